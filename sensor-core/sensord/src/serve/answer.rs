//! The answer to each kind of request.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::TrySendError;
use sensor_core::rules::Ruleset;
use sensor_link::{LinkError, MessageStream};
use sensor_wire::RowId;
use sensor_wire::live::{SourceState, Status};
use sensor_wire::request::{Done, FlowsAnswer, ValueColumn, ValuesAnswer};
use sensor_wire::rules::{RuleCounts, RuleNeed, RuleNeeds, RulePart, RuleSetup};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, sleep_until};

use super::unless_closed;
use crate::pipeline::{Handle, Query};
use crate::rules::{self, Book};

/// Rows of one live message at most; some 300 bytes each, so well below the limit of a message.
pub(super) const LIVE_ROWS: usize = 2_000;

/// Time between two live messages, unless the last one was full.
pub(crate) const LIVE_INTERVAL: Duration = Duration::from_millis(100);

/// Until a viewer has its first rows, the pipeline is asked this often, so that they stand on the screen at once.
pub(super) const FIRST_INTERVAL: Duration = Duration::from_millis(10);

/// For how long: a wire may be idle for hours.
const FIRST_ROWS: Duration = Duration::from_secs(5);

/// Flows of one part of an answer; some 600 bytes each.
pub(super) const FLOWS_PART: u32 = 2_000;

/// Values of one part of an answer; some 60 bytes each.
pub(super) const VALUES_PART: usize = 8_000;

/// Hosts of one message at most; the largest has some 80 KiB, nearly all have less than one.
const HOSTS: usize = 40;

/// Time between two messages of hosts, unless the last one was full. They come as often as they change, which for a
/// host may be with each packet.
const HOSTS_INTERVAL: Duration = Duration::from_millis(500);

/// Bytes of all rules that a viewer sends, packed or not.
const MOST_RULE_BYTES: usize = 256 << 20;

/// Files of rules that a viewer sends.
const MOST_RULE_FILES: usize = 10_000;

/// How long to wait while the queue of the pipeline is full. It is emptied between any two batches.
const RETRY: Duration = Duration::from_millis(2);

/// Rows as they change, until the viewer closes the stream.
pub(super) async fn live(stream: &mut MessageStream, handle: &Handle, after: u64) -> Result<(), LinkError> {
    let mut cursor = after;
    let mut budget = LIVE_ROWS;
    let mut told: Option<(Status, Instant)> = None;
    let mut seen_rows = false;
    let began = Instant::now();
    loop {
        let asked = Instant::now();
        let query = ask(handle, |reply| Query::Live { after: cursor, budget, reply });
        let Some(answer) = unless_closed(stream, query).await else { return Ok(()) };
        let Some(mut answer) = answer else { return Ok(()) };
        // The last counters a viewer is told have to be the final ones, so they are compared, not the sequence number.
        let has_rows = answer.reset || !answer.rows.is_empty() || !answer.removed.is_empty();
        let due = told.as_ref().is_none_or(|(status, at)| {
            *status != answer.status && (asked >= *at + LIVE_INTERVAL || status.state != answer.status.state)
        });
        let full = answer.rows.len() >= budget;
        if has_rows || due {
            match stream.send(&answer).await {
                Ok(()) => {}
                // Rows far longer than usual: the same ones again, in smaller messages.
                Err(LinkError::Unwritable(_)) if budget > 1 => {
                    budget /= 2;
                    continue;
                }
                Err(error) => return Err(error),
            }
            let over = !matches!(answer.status.state, SourceState::Starting | SourceState::Running);
            told = Some((std::mem::take(&mut answer.status), asked));
            if over && !full {
                handle.told.notify_waiters();
            }
        }
        cursor = answer.seq;
        seen_rows |= has_rows;
        if !full {
            let interval = if seen_rows || asked >= began + FIRST_ROWS { LIVE_INTERVAL } else { FIRST_INTERVAL };
            if unless_closed(stream, sleep_until(asked + interval)).await.is_none() {
                return Ok(());
            }
        }
    }
}

/// Flows of a row in parts. Each part is its own question, so that a row of a million flows never holds up the packets.
pub(super) async fn flows(
    stream: &mut MessageStream,
    handle: &Handle,
    row: RowId,
    offset: u32,
    limit: u32,
) -> Result<(), LinkError> {
    let (mut offset, mut left) = (offset, limit);
    loop {
        let wanted = left.min(FLOWS_PART);
        let query = ask(handle, |reply| Query::Flows { row, offset, limit: wanted, reply });
        let Some(answer) = unless_closed(stream, query).await else { return Ok(()) };
        let Some(answer) = answer else { return Ok(()) };
        let count = u32::try_from(answer.flows.len()).unwrap_or(u32::MAX);
        offset = offset.saturating_add(count);
        left = left.saturating_sub(count);
        let done = answer.gone || left == 0 || count < wanted || offset >= answer.total;
        stream.send(&FlowsAnswer { done, ..answer }).await?;
        if done {
            return Ok(());
        }
    }
}

/// Values of a cell in parts of one moment.
pub(super) async fn values(
    stream: &mut MessageStream,
    handle: &Handle,
    row: RowId,
    column: ValueColumn,
) -> Result<(), LinkError> {
    let query = ask(handle, |reply| Query::Values { row, column, reply });
    let Some(answer) = unless_closed(stream, query).await else { return Ok(()) };
    let Some(answer) = answer else { return Ok(()) };
    let ValuesAnswer { total, values, gone, .. } = answer;
    let mut parts = values.chunks(VALUES_PART).peekable();
    loop {
        let values = parts.next().map(<[_]>::to_vec).unwrap_or_default();
        let done = parts.peek().is_none();
        stream.send(&ValuesAnswer { total, values, gone, done }).await?;
        if done {
            return Ok(());
        }
    }
}

/// Hosts as they become known, until the viewer closes the stream.
pub(super) async fn hosts(stream: &mut MessageStream, handle: &Handle, after: u64) -> Result<(), LinkError> {
    let mut cursor = after;
    loop {
        let asked = Instant::now();
        let query = ask(handle, |reply| Query::Hosts { after: cursor, budget: HOSTS, reply });
        let Some(answer) = unless_closed(stream, query).await else { return Ok(()) };
        let Some(answer) = answer else { return Ok(()) };
        if !answer.hosts.is_empty() {
            stream.send(&answer).await?;
            cursor = answer.seq;
        }
        if answer.hosts.len() < HOSTS && unless_closed(stream, sleep_until(asked + HOSTS_INTERVAL)).await.is_none() {
            return Ok(());
        }
    }
}

/// Takes rules, compiles them beside the packets, and has them run; answers how many do.
pub(super) async fn set_rules(stream: &mut MessageStream, handle: &Handle, setup: RuleSetup) -> Result<(), LinkError> {
    let mut room = MOST_RULE_BYTES;
    let Some(files) = parts(stream, &mut room).await? else { return Ok(()) };
    let gives = setup.gives;
    let read = move || {
        let read = |set: &mut Ruleset| {
            let read = |file: RulePart| rules::files::read_packed(set, &file.name, file.bytes.as_slice()).err();
            files.into_iter().filter_map(read).map(|error| format!("{error:#}")).collect()
        };
        Book::read(&setup, read)
    };
    let Ok((mut set, unreadable)) = tokio::task::spawn_blocking(read).await else { return Ok(()) };
    if gives {
        let missing = set.wanted().into_iter().filter(|(name, _)| set.provided(name).is_none());
        let need = |(name, beside): (&str, &str)| RuleNeed { name: name.to_owned(), beside: beside.to_owned() };
        let needs = RuleNeeds { files: missing.map(need).take(MOST_RULE_FILES).collect() };
        let asked: HashSet<String> = needs.files.iter().map(|need| need.name.clone()).collect();
        stream.send(&needs).await?;
        let Some(files) = parts(stream, &mut room).await? else { return Ok(()) };
        files
            .into_iter()
            .filter(|file| asked.contains(&file.name))
            .for_each(|file| set.provide(&file.name, file.bytes));
    }
    let compile = move || Arc::new(Book::compile(set, unreadable));
    let Ok(book) = tokio::task::spawn_blocking(compile).await else { return Ok(()) };
    let running = Arc::clone(&book);
    if ask(handle, |reply| Query::SetRules { book: running, reply }).await.is_some() {
        handle.set_book(Arc::clone(&book));
        stream.send(&book.counts()).await?;
    }
    Ok(())
}

/// Files in their parts, up to the last; `None` when the viewer went away, or sent more than there is room for and was
/// told so.
async fn parts(stream: &mut MessageStream, room: &mut usize) -> Result<Option<Vec<RulePart>>, LinkError> {
    let mut files: Vec<RulePart> = Vec::new();
    loop {
        let Some(part) = stream.recv::<RulePart>().await? else { return Ok(None) };
        let last = part.last;
        let left = room.checked_sub(part.bytes.len());
        if left.is_none() || files.len() > MOST_RULE_FILES {
            let unreadable = vec![format!("rules of more than {} MiB are not taken", MOST_RULE_BYTES >> 20)];
            stream.send(&RuleCounts { unreadable, ..RuleCounts::default() }).await?;
            return Ok(None);
        }
        *room = left.unwrap_or_default();
        match files.last_mut() {
            Some(file) if file.name == part.name => file.bytes.extend(part.bytes),
            Some(_) | None if part.name.is_empty() => {}
            Some(_) | None => files.push(part),
        }
        if last {
            return Ok(Some(files));
        }
    }
}

/// Stops the source. The viewer may go away meanwhile: it was asked for, so it is done.
pub(super) async fn stop(stream: &mut MessageStream, handle: &Handle) -> Result<(), LinkError> {
    if ask(handle, |reply| Query::Stop { reply }).await.is_some() {
        stream.send(&Done {}).await?;
    }
    Ok(())
}

/// Asks the pipeline; `None` when it is gone.
async fn ask<T>(handle: &Handle, query: impl FnOnce(oneshot::Sender<T>) -> Query) -> Option<T> {
    let (reply, answer) = oneshot::channel();
    let mut query = query(reply);
    loop {
        match handle.queries.try_send(query) {
            Ok(()) => return answer.await.ok(),
            Err(TrySendError::Full(back)) => query = back,
            Err(TrySendError::Disconnected(_)) => return None,
        }
        sleep(RETRY).await;
    }
}
