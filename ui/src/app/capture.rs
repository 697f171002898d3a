//! Live captures that are being started, and how that came out.

use std::rc::Rc;

use sensor_wire::live::CaptureFailure;
use sensor_wire::view::{ViewError, ViewReply, ViewRequest, Wire};
use wasm_bindgen_futures::spawn_local;
use yew::Context;

use super::{App, Msg};
use crate::backend::unexpected;
use crate::state::Overlay;

/// What the picker shows beside the interfaces. It outlives the picker, which may close before the answer is there.
#[derive(Default)]
pub(super) struct Asked {
    /// What was asked for last.
    pub last: Wire,
    /// Its answer is under way.
    pub starting: bool,
    /// Why it could not be started.
    pub refused: Option<Rc<CaptureFailure>>,
}

impl App {
    pub(super) fn capture(&mut self, ctx: &Context<Self>, wire: Wire, name: String) -> bool {
        if self.asked.starting {
            return false;
        }
        self.asked = Asked { last: wire.clone(), starting: true, refused: None };
        let (client, link) = (self.client.clone(), ctx.link().clone());
        spawn_local(async move {
            link.send_message(Msg::Captured(match client.ask(ViewRequest::Capture { wire, name }).await {
                Ok(ViewReply::Capturing(failure)) => Ok(failure),
                Ok(_) => Err(unexpected()),
                Err(error) => Err(error),
            }));
        });
        true
    }

    pub(super) fn captured(&mut self, ctx: &Context<Self>, answer: Result<Option<CaptureFailure>, ViewError>) -> bool {
        self.asked.starting = false;
        let picking = self.overlay == Some(Overlay::Capture);
        let refused = match answer {
            Ok(None) => {
                if picking {
                    self.close_overlay();
                }
                return true;
            }
            Ok(Some(refused)) => refused,
            Err(ViewError { code, message, detail }) if picking => {
                let message = if detail.is_empty() { message } else { format!("{message} {detail}") };
                CaptureFailure { code, message, advice: String::new() }
            }
            Err(error) => return self.failed(ctx, error),
        };
        if !picking {
            return self.say(ctx, refused.message);
        }
        self.asked.refused = Some(Rc::new(refused));
        true
    }
}
