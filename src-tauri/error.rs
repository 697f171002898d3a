//! What can fail in the app, each with a stable code for the page and a sentence for the user.

use sensor_wire::view::ViewError;

/// A failure that reaches the user. Text in the fields is the cause, as the layers below put it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AppError {
    /// The page sent something unreadable.
    #[error("Nightjar's page and its core do not understand each other. Install Nightjar again.")]
    BadRequest(String),
    /// No such source, or it was closed.
    #[error("This source was closed.")]
    UnknownSource,
    /// The sensor no longer keeps this row.
    #[error("The sensor no longer keeps this row.")]
    RowGone,
    /// The sensor's program is not where it should be.
    #[error("The sensor program was not found. Install Nightjar again.")]
    SensorMissing(String),
    /// The sensor could not be started or did not announce itself.
    #[error("The sensor did not start.")]
    SensorStart(String),
    /// The link to the sensor ended.
    #[error("The sensor of this capture is gone. Open the capture again.")]
    SensorGone(String),
    /// The sensor speaks another version of the protocol.
    #[error("The sensor is of another version than this app. Install both from the same release.")]
    SensorVersion(String),
    /// The sensor did not answer in time.
    #[error("The sensor did not answer in time. Try again.")]
    SensorTimeout(String),
    /// The sensor gave no list of interfaces.
    #[error("The interfaces of this computer could not be listed.")]
    Interfaces(String),
    /// Rules could not be read.
    #[error("Some rules could not be read.")]
    RulesUnreadable(String),
    /// Rules could not be fetched.
    #[error("The rules could not be fetched.")]
    RulesFetch(String),
    /// Another question was asked, or nobody wanted the answer any more.
    #[error("This question was withdrawn.")]
    Withdrawn,
    /// As many captures are open as the app allows.
    #[error("Too many captures are open. Close one first.")]
    TooManySources(String),
    /// Not an IANA name.
    #[error("There is no such time zone.")]
    UnknownZone(String),
    /// The system's dialog cannot be shown.
    #[error("The file dialog is not available here.")]
    NoDialog,
    /// The app ends.
    #[error("Nightjar is closing.")]
    Closing,
    /// A random key could not be made.
    #[error("The system gave no random numbers for a key.")]
    Keys(String),
    /// Another Nightjar holds the store.
    #[error("Another Nightjar is running: this one does not keep your settings.")]
    StoreLocked(String),
    /// The store could not be opened and was moved aside.
    #[error("Your settings could not be read. The damaged store was kept aside; the last export was restored.")]
    StoreMoved(String),
    /// The store opens, but what was kept in it is gone.
    #[error("Your settings were lost from their store; the last export was restored.")]
    StoreEmpty(String),
    /// The store cannot be used at all.
    #[error("Your settings cannot be kept.")]
    StoreFailed(String),
}

impl AppError {
    /// Stable over versions.
    pub fn code(&self) -> &'static str {
        match self {
            AppError::BadRequest(_) => "bad_request",
            AppError::UnknownSource => "unknown_source",
            AppError::RowGone => "row_gone",
            AppError::SensorMissing(_) => "sensor_missing",
            AppError::SensorStart(_) => "sensor_start",
            AppError::SensorGone(_) => "sensor_gone",
            AppError::SensorVersion(_) => "sensor_version",
            AppError::SensorTimeout(_) => "sensor_timeout",
            AppError::Interfaces(_) => "interfaces_failed",
            AppError::RulesUnreadable(_) => "rules_unreadable",
            AppError::RulesFetch(_) => "fetch_failed",
            AppError::Withdrawn => "withdrawn",
            AppError::TooManySources(_) => "too_many_sources",
            AppError::UnknownZone(_) => "unknown_zone",
            AppError::NoDialog => "no_dialog",
            AppError::Closing => "closing",
            AppError::Keys(_) => "no_random",
            AppError::StoreLocked(_) => "store_locked",
            AppError::StoreMoved(_) => "store_moved",
            AppError::StoreEmpty(_) => "store_empty",
            AppError::StoreFailed(_) => "store_failed",
        }
    }

    /// The cause, for a bug report; empty where the sentence says it all.
    pub fn detail(&self) -> &str {
        match self {
            AppError::BadRequest(detail)
            | AppError::SensorMissing(detail)
            | AppError::SensorStart(detail)
            | AppError::SensorGone(detail)
            | AppError::SensorVersion(detail)
            | AppError::SensorTimeout(detail)
            | AppError::Interfaces(detail)
            | AppError::RulesUnreadable(detail)
            | AppError::RulesFetch(detail)
            | AppError::TooManySources(detail)
            | AppError::UnknownZone(detail)
            | AppError::Keys(detail)
            | AppError::StoreLocked(detail)
            | AppError::StoreMoved(detail)
            | AppError::StoreEmpty(detail)
            | AppError::StoreFailed(detail) => detail,
            AppError::UnknownSource
            | AppError::RowGone
            | AppError::Withdrawn
            | AppError::NoDialog
            | AppError::Closing => "",
        }
    }

    /// One line: the sentence, and the cause behind it.
    pub fn words(&self) -> String {
        match self.detail() {
            "" => self.to_string(),
            detail => format!("{self} ({detail})"),
        }
    }
}

impl From<AppError> for ViewError {
    fn from(error: AppError) -> Self {
        ViewError { code: error.code().into(), message: error.to_string(), detail: error.detail().into() }
    }
}
