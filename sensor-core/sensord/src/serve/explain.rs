//! Why a rule told of a flow, or did not: the capture is read once more, on a thread of its own.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sensor_core::detect::explain::{Chosen, Explainer, Unexplained as Cause};
use sensor_link::{LinkError, MessageStream};
use sensor_wire::explain::{ExplainAnswer, Unexplained, unexplained};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::unless_closed;
use crate::capture::Batch;
use crate::packets::Packets;
use crate::pipeline::{self, Handle};
use crate::rules::Book;

/// Flows of an explanation of all of them; a message has room for more.
const MOST_FLOWS: usize = 100;

/// Time between two words on how far the capture is read.
const PROGRESS: Duration = Duration::from_millis(200);

/// Explains a rule, with the rules as they are now. Closing the stream stops it.
pub(super) async fn explain(
    stream: &mut MessageStream,
    handle: &Handle,
    rule: (u32, u32),
    flow: Option<u64>,
) -> Result<(), LinkError> {
    let packets = Arc::clone(&handle.packets);
    if let Err(refused) = packets.again() {
        return stream.send(&refusal(refused)).await;
    }
    let stop = Stop(Arc::default());
    let (stopped, (tell, told)) = (Arc::clone(&stop.0), watch::channel((0, 0)));
    let work = async {
        let book = handle.book().await;
        let place = packets.one().acquire_owned().await;
        let work = move || {
            // The next one begins when this one has left the file alone, not when nobody waits for it any more.
            let _place = place;
            run(&packets, &book, rule, flow, &stopped, &tell)
        };
        tokio::task::spawn_blocking(work).await.ok()
    };
    let mut work = pin!(work);
    loop {
        let due = Instant::now() + PROGRESS;
        let news = async {
            tokio::select! {
                biased;
                answer = &mut work => Some(answer),
                () = sleep_until(due) => None,
            }
        };
        match unless_closed(stream, news).await {
            // The viewer has gone, or the work could not be done: what failed is in the log.
            None | Some(Some(None)) => return Ok(()),
            Some(Some(Some(answer))) => return send(stream, answer).await,
            Some(None) => {
                let (read, total) = *told.borrow();
                stream.send(&ExplainAnswer { read, total, ..ExplainAnswer::default() }).await?;
            }
        }
    }
}

/// An explanation that is too long for a message has fewer flows.
async fn send(stream: &mut MessageStream, mut answer: ExplainAnswer) -> Result<(), LinkError> {
    loop {
        match (stream.send(&answer).await, &mut answer.told) {
            (Err(LinkError::Unwritable(_)), Some(told)) if told.flows.len() > 1 => {
                let kept = told.flows.len() / 2;
                told.counts.left_out += (told.flows.len() - kept) as u64;
                told.flows.truncate(kept);
            }
            (sent, _) => return sent,
        }
    }
}

fn run(
    packets: &Packets,
    book: &Book,
    rule: (u32, u32),
    flow: Option<u64>,
    stop: &AtomicBool,
    tell: &watch::Sender<(u64, u64)>,
) -> ExplainAnswer {
    let again = match packets.again() {
        Ok(again) => again,
        Err(refused) => return refusal(refused),
    };
    let explainer = Explainer::new(&book.set, rule, flow.map(Chosen::Id), packets.config());
    let mut explainer = match explainer {
        Ok(explainer) => explainer,
        Err(cause) => return refusal(unexplained(book, &cause)),
    };
    let unreadable =
        |error: &dyn ToString| Unexplained { code: unexplained::UNREADABLE.into(), message: error.to_string() };
    let mut reader = match again.reader() {
        Ok(reader) => reader,
        Err(error) => return refusal(unreadable(&error)),
    };
    let (mut batch, mut cut) = (Batch::default(), String::new());
    while !stop.load(Ordering::Relaxed) && !explainer.is_settled() {
        match reader.fill(&mut batch) {
            Ok(true) => explainer.ingest(batch.frames.iter().map(|meta| pipeline::frame(&batch, meta))),
            Ok(false) => break,
            Err(error) => {
                cut = error.to_string();
                break;
            }
        }
        tell.send_replace(reader.progress());
    }
    let (read, total) = reader.progress();
    let told = Some(Box::new(explainer.finish(MOST_FLOWS)));
    ExplainAnswer { read, total, told, refused: None, cut, done: true }
}

fn refusal(refused: Unexplained) -> ExplainAnswer {
    ExplainAnswer { refused: Some(refused), done: true, ..ExplainAnswer::default() }
}

fn unexplained(book: &Book, cause: &Cause) -> Unexplained {
    let (code, message) = if let Cause::Unknown { gid, sid, near } = cause {
        let near: Vec<_> = near.iter().map(ToString::to_string).collect();
        let near = if near.is_empty() { String::new() } else { format!(" Next to it are {}.", near.join(", ")) };
        let rules = book.set.rules().len();
        (unexplained::UNKNOWN_RULE, format!("There is no rule {gid}:{sid} among the {rules} that were read.{near}"))
    } else if let Cause::Refused(refusal) = cause {
        let colon = if refusal.keyword.is_empty() { "" } else { ": " };
        let (file, line) = (book.file(refusal.file), refusal.line);
        let why = format!("{}{colon}{}", refusal.keyword, refusal.reason);
        (unexplained::RULE_REFUSED, format!("The rule can't be run: {why} ({file}:{line})."))
    } else {
        (unexplained::NOT_EXPLAINED, format!("The rule can't be explained: {cause}."))
    };
    Unexplained { code: code.into(), message }
}

/// Dropped, it ends the reading.
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sensor_core::engine::Config;
    use sensor_wire::rules::RuleSetup;

    use super::*;

    #[test]
    fn a_reading_that_is_stopped_goes_no_further() {
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/sample.pcap");
        let packets = Packets::of(&sample, &Config { parse: Some(Default::default()), ..Config::default() });
        let book = Book::load(&RuleSetup::default(), |_| Vec::new());
        let stop = Stop(Arc::default());
        let (stopped, (tell, told)) = (Arc::clone(&stop.0), watch::channel((0, 0)));
        let whole = run(&packets, &book, (1, 1_000_002), None, &stopped, &tell);
        assert!(told.has_changed().unwrap() && whole.read > 100_000 && whole.read == whole.total, "{whole:?}");
        drop(stop);
        let cut = run(&packets, &book, (1, 1_000_002), None, &stopped, &tell);
        assert!(cut.read < 100, "{} bytes", cut.read);
    }

    #[test]
    fn a_damaged_capture_is_explained_up_to_where_it_is_damaged() {
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/sample.pcap");
        let mut bytes = std::fs::read(sample).unwrap();
        bytes.truncate(bytes.len() - 7);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let packets = Packets::of(file.path(), &Config { parse: Some(Default::default()), ..Config::default() });
        let book = Book::load(&RuleSetup::default(), |_| Vec::new());
        let answer = run(&packets, &book, (1, 1_000_002), None, &AtomicBool::new(false), &watch::channel((0, 0)).0);
        assert!(answer.cut.contains("damaged"), "{answer:?}");
        assert_eq!(answer.told.unwrap().counts.told, 1);
    }
}
