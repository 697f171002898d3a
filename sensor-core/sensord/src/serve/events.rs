//! The answer to [`Request::Events`](sensor_wire::request::Request::Events).
//!
//! Nothing queues for a viewer: its place is a number, and what comes after it is read when the last message has gone out.

use std::time::Duration;

use sensor_link::{LinkError, MessageStream};
use sensor_wire::event::{Events, LogId};
use tokio::time::{Instant, sleep_until, timeout};

use super::unless_closed;
use crate::pipeline::Handle;
use crate::store::events::Part;

/// Events as they are recorded, until the viewer closes the stream.
pub(super) async fn events(
    stream: &mut MessageStream,
    handle: &Handle,
    after: u64,
    log: Option<LogId>,
) -> Result<(), LinkError> {
    let events = &handle.events;
    let mut changes = events.changes();
    let newest = *changes.borrow_and_update();
    // A log that was set back to an earlier state goes on from there: `last` tells a viewer that it knew more.
    let after = if log.is_none_or(|log| log == events.id()) { after.min(newest) } else { 0 };
    let mut cursor = events.after(after);
    let mut told = None;
    loop {
        let asked = Instant::now();
        changes.mark_unchanged();
        // Files are read, which takes its time.
        let read = tokio::task::spawn_blocking(move || {
            let part = cursor.read(MESSAGE);
            (cursor, part)
        });
        let Some(Ok((back, part))) = unless_closed(stream, read).await else { return Ok(()) };
        cursor = back;
        let part = match part {
            Ok(part) => part,
            Err(error) => {
                tracing::warn!(%error, "events cannot be read");
                return Ok(());
            }
        };
        part.damage.iter().for_each(|damage| tracing::warn!("{damage}"));
        let Part { first_available, last, events: list, gaps, caught_up, .. } = part;
        let refused = events.refused();
        if told.as_ref() != Some(&refused) || !list.is_empty() || !gaps.is_empty() {
            let (unrecorded, fault) = refused.clone();
            let log = events.id();
            let answer = Events { log, first_available, last, events: list, gaps, caught_up, unrecorded, fault };
            stream.send(&answer).await?;
            told = Some(refused);
        }
        if caught_up {
            let more = async {
                // That the log can't be written is no event of it.
                let _ = timeout(LOOK, changes.changed()).await;
                sleep_until(asked + INTERVAL).await;
            };
            if unless_closed(stream, more).await.is_none() {
                return Ok(());
            }
        }
    }
}

/// Bytes of events in a message, so that it stays below 256 KiB with all else.
const MESSAGE: usize = 240 << 10;

/// Time between two messages, unless there was more than one could hold.
const INTERVAL: Duration = Duration::from_millis(20);

/// How often a viewer who has all events is looked after.
const LOOK: Duration = Duration::from_secs(1);
