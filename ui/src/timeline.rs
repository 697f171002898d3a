//! The strip above the grid: rows over time, stacked by kind.

use std::fmt::Write;
use std::rc::Rc;

use sensor_wire::Timestamp;
use sensor_wire::view::Timeline;
use web_sys::{Element, MouseEvent};
use yew::{Callback, Html, Properties, TargetCast, function_component, html, use_state};

use crate::format;

/// Kinds in the order of the buckets: class of the colour, and the word.
const KINDS: [(&str, &str); 5] = [
    ("kind-flow", "flows"),
    ("kind-alert", "alerts"),
    ("kind-discovery", "discovery"),
    ("kind-syslog", "syslog"),
    ("kind-incident", "incidents"),
];
/// Height of the drawing in its own units.
const HEIGHT: f64 = 100.0;

/// The strip's properties.
#[derive(Properties, PartialEq)]
pub struct StripProps {
    /// What it shows.
    pub timeline: Rc<Timeline>,
    /// Rows that pass the filter.
    pub total: u64,
    /// The grid is sorted by time alone; newest first or oldest first.
    pub newest_first: Option<bool>,
    /// A row to scroll to.
    pub on_jump: Callback<u64>,
}

/// The strip.
#[function_component]
pub fn Strip(props: &StripProps) -> Html {
    let hovered = use_state(|| None::<(usize, f64)>);
    let timeline = &props.timeline;
    let count = timeline.buckets.len();
    let onmousemove = {
        let hovered = hovered.clone();
        Callback::from(move |event: MouseEvent| hovered.set(under(&event, count)))
    };
    let onmouseleave = {
        let hovered = hovered.clone();
        Callback::from(move |_: MouseEvent| hovered.set(None))
    };
    let jumps = can_jump(timeline, props.total, props.newest_first);
    let onclick = {
        let (timeline, newest_first, on_jump) =
            (timeline.clone(), props.newest_first.unwrap_or(true), props.on_jump.clone());
        Callback::from(move |event: MouseEvent| {
            if jumps && let Some((bucket, _)) = under(&event, timeline.buckets.len()) {
                on_jump.emit(first_row(&timeline, bucket, newest_first));
            }
        })
    };
    let tallest = timeline.buckets.iter().map(sum).max().unwrap_or(0);
    let kinds: Vec<usize> = (0..KINDS.len()).filter(|&k| timeline.buckets.iter().any(|b| b[k] > 0)).collect();
    let tip = hovered.and_then(|(bucket, x)| Some((timeline.buckets.get(bucket)?, bucket, x)));
    html! {
        <div id="timeline" class={yew::classes!(jumps.then_some("jumps"))} {onmousemove} {onmouseleave} {onclick}>
            if count > 0 && tallest > 0 {
                <svg viewBox={format!("0 0 {count} {HEIGHT}")} preserveAspectRatio="none" role="img"
                    aria-label={format!("Rows over time, {} to {}", moment(timeline, 0), moment(timeline, count))}>
                    if let Some((_, bucket, _)) = tip {
                        <rect class="under" x={bucket.to_string()} y="0" width="1" height={HEIGHT.to_string()} />
                    }
                    { for kinds.iter().map(|&kind| html! {
                        <path class={KINDS[kind].0} d={bars(timeline, kind, tallest)} />
                    }) }
                </svg>
                <span class="from mono">{ moment(timeline, 0) }</span>
                <span class="until mono">{ moment(timeline, count) }</span>
                <span class="legend">
                    { for kinds.iter().map(|&kind| html! {
                        <span><i class={KINDS[kind].0}></i>{ KINDS[kind].1 }</span>
                    }) }
                    <span class="mono">{ format!("max {}", format::grouped(tallest)) }</span>
                </span>
            } else {
                <span class="from none">{ "No rows to show over time" }</span>
            }
            if let Some((counts, bucket, x)) = tip {
                <div class="tip" role="status" style={format!("left:clamp(8px, {x}px, calc(100% - 250px))")}>
                    <div class="mono">{ format!("{} – {}", moment(timeline, bucket), moment(timeline, bucket + 1)) }</div>
                    { for kinds.iter().filter(|&&k| counts[k] > 0).map(|&k| html! {
                        <div><i class={KINDS[k].0}></i>{ format!("{} {}", format::grouped(counts[k].into()), KINDS[k].1) }</div>
                    }) }
                    if sum(counts) == 0 { <div class="mute">{ "no row starts here" }</div> }
                    if jumps { <div class="faint">{ "click to go there" }</div> }
                </div>
            }
        </div>
    }
}

/// The bars of one kind, each standing on those of the kinds before it.
fn bars(timeline: &Timeline, kind: usize, tallest: u64) -> String {
    let mut path = String::new();
    let scale = HEIGHT / tallest as f64;
    for (i, bucket) in timeline.buckets.iter().enumerate() {
        if bucket[kind] == 0 {
            continue;
        }
        let below: u64 = bucket[..kind].iter().copied().map(u64::from).sum();
        // One row among thousands is still one row: it keeps a line that can be seen.
        let height = (f64::from(bucket[kind]) * scale).max(2.5);
        let bottom = HEIGHT - below as f64 * scale;
        // Writing to a String cannot fail.
        let _ = write!(path, "M{i}.12 {bottom:.1}h.76v-{height:.1}h-.76z");
    }
    path
}

/// A click can be honest only where the strip counts exactly the rows that the grid holds, in the order of time.
fn can_jump(timeline: &Timeline, total: u64, newest_first: Option<bool>) -> bool {
    newest_first.is_some() && total > 0 && timeline.buckets.iter().map(sum).sum::<u64>() == total
}

/// Index of the first row that the grid shows of a bucket.
fn first_row(timeline: &Timeline, bucket: usize, newest_first: bool) -> u64 {
    let buckets = timeline.buckets.iter().map(sum);
    if newest_first { buckets.skip(bucket + 1).sum() } else { buckets.take(bucket).sum() }
}

fn sum(bucket: &[u32; 5]) -> u64 {
    bucket.iter().copied().map(u64::from).sum()
}

/// Start of a bucket, which is the end of the one before.
fn end(timeline: &Timeline, bucket: usize) -> Timestamp {
    timeline.start.saturating_add(timeline.step.saturating_mul(bucket as i64))
}

/// A bucket's start in words: as fine as the buckets are.
fn moment(timeline: &Timeline, bucket: usize) -> String {
    const SECOND: i64 = 1_000_000_000;
    const DAY: i64 = 86_400 * SECOND;
    let at = end(timeline, bucket);
    let utc_offset = timeline.utc_offsets.get(bucket).copied().unwrap_or_default();
    match timeline.step {
        step if step < SECOND => format::clock_millis(at, utc_offset),
        step if step < DAY => format::time(at, utc_offset),
        _ => format::date(at, utc_offset),
    }
}

/// The bucket under the pointer, and where the pointer is.
fn under(event: &MouseEvent, count: usize) -> Option<(usize, f64)> {
    let strip = event.target_dyn_into::<Element>()?.closest("#timeline").ok()??;
    let drawing = strip.query_selector("svg").ok()??.get_bounding_client_rect();
    let (x, width) = (f64::from(event.client_x()) - drawing.left(), drawing.width());
    let bucket = (x / width * count as f64).floor();
    (width > 0.0 && bucket >= 0.0 && bucket < count as f64).then_some((bucket as usize, x + 14.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline() -> Timeline {
        Timeline {
            start: 0,
            step: 1_000_000_000,
            utc_offsets: vec![0, 0, 3_600, 3_600],
            buckets: vec![[3, 1, 0, 0, 0], [0; 5], [6, 0, 0, 0, 2]],
        }
    }

    #[test]
    fn a_jump_lands_on_the_first_row_shown_of_a_bucket() {
        assert_eq!(first_row(&timeline(), 2, true), 0);
        assert_eq!(first_row(&timeline(), 0, true), 8);
        assert_eq!(first_row(&timeline(), 2, false), 4);
        assert_eq!(first_row(&timeline(), 0, false), 0);
    }

    #[test]
    fn no_jump_where_it_would_not_be_true() {
        assert!(can_jump(&timeline(), 12, Some(true)));
        assert!(!can_jump(&timeline(), 13, Some(true)), "rows came since the strip was counted");
        assert!(!can_jump(&timeline(), 12, None), "the grid is not sorted by time");
        assert!(!can_jump(&Timeline::default(), 0, Some(true)));
    }

    #[test]
    fn the_strip_follows_a_change_of_the_clocks() {
        assert_eq!(
            (moment(&timeline(), 1), moment(&timeline(), 2)),
            ("01/01 00:00:01".into(), "01/01 01:00:02".into())
        );
    }

    #[test]
    fn bars_stand_on_one_another() {
        assert_eq!(bars(&timeline(), 0, 8), "M0.12 100.0h.76v-37.5h-.76zM2.12 100.0h.76v-75.0h-.76z");
        assert_eq!(bars(&timeline(), 4, 8), "M2.12 25.0h.76v-25.0h-.76z");
        assert_eq!(bars(&timeline(), 2, 8), "");
    }
}
