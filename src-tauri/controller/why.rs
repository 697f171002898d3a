//! The rule that is being explained: the page shows one, and its sensor reads a whole capture for it.

use std::time::Duration;

use sensor_wire::explain::{Attempt, ExplainAnswer};
use sensor_wire::view::{ViewReply, Why, WhyAsked};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::{Controller, Gui, Reply, send};
use crate::error::AppError;
use crate::zone::Zone;

/// How long the page waits for an answer before it hears how far it is.
const MOMENT: Duration = Duration::from_millis(300);

/// The question that is open, or was answered last. Dropped, its stream closes and the sensor stops reading.
#[derive(Debug)]
pub(super) struct Inquiry {
    number: u64,
    news: watch::Receiver<News>,
    task: AbortHandle,
}

type News = Result<ExplainAnswer, AppError>;

impl Drop for Inquiry {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<G: Gui> Controller<G> {
    pub(super) fn explain(&mut self, asked: WhyAsked, reply: Reply) {
        self.inquiry = None;
        let mut asker = match self.asker(asked.source) {
            Ok(asker) => asker,
            Err(error) => return send(reply, Err(error)),
        };
        let (tell, news) = watch::channel(Ok(ExplainAnswer::default()));
        let task = tokio::spawn(async move {
            let heard = |answer| drop(tell.send_replace(Ok(answer)));
            if let Err(error) = asker.explain(asked, heard).await {
                drop(tell.send_replace(Err(error)));
            }
        });
        self.inquiries += 1;
        self.inquiry = Some(Inquiry { number: self.inquiries, news, task: task.abort_handle() });
        self.explain_on(self.inquiries, reply);
    }

    pub(super) fn explain_on(&self, number: u64, reply: Reply) {
        let Some(inquiry) = self.inquiry.as_ref().filter(|inquiry| inquiry.number == number) else {
            return send(reply, Err(AppError::Withdrawn));
        };
        let (mut news, zone) = (inquiry.news.clone(), self.zone);
        tokio::spawn(async move {
            let over = |news: &News| news.as_ref().map_or(true, |answer| answer.done);
            // It goes on, or it was withdrawn in the meantime: then the next question about it is told so.
            let _ = timeout(MOMENT, news.wait_for(over)).await.map(drop);
            let answer = news.borrow().clone();
            send(reply, answer.map(|answer| ViewReply::Why(Box::new(why(number, answer, zone)))));
        });
    }

    pub(super) fn stop_explain(&mut self, number: u64) -> Result<ViewReply, AppError> {
        self.inquiry.take_if(|inquiry| inquiry.number == number);
        Ok(ViewReply::Done)
    }
}

fn why(number: u64, answer: ExplainAnswer, zone: Zone) -> Why {
    let tried = answer.told.as_ref().and_then(|told| told.flows.first());
    let at = tried.map(|tried| tried.best.as_ref().map_or(tried.first, |Attempt { time, .. }| *time));
    Why { number, utc_offset: at.map_or(0, |at| zone.offset_at(at)), answer }
}
