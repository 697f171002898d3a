//! Bytes in hexadecimal digits and as text, those that options matched marked.

use std::rc::Rc;

use web_sys::{KeyboardEvent, MouseEvent};
use yew::{Callback, Html, Properties, classes, function_component, html};

use super::bytes::{self, Buffer, Byte, Line};
use super::words;
use crate::dom;
use crate::format;

/// A place in one of the buffers.
pub type Spot = (usize, u64);

/// What is shown.
#[derive(Properties, PartialEq)]
pub struct HexProps {
    /// The buffers.
    pub buffers: Rc<Vec<Buffer>>,
    /// Bytes of a line.
    pub width: u64,
    /// The option that is chosen.
    pub chosen: Option<usize>,
    /// Where the cursor is.
    pub cursor: Option<Spot>,
    /// The cursor goes here.
    pub on_point: Callback<Spot>,
    /// Back to the options.
    pub on_leave: Callback<()>,
}

/// The bytes of all buffers.
#[function_component]
pub fn HexView(props: &HexProps) -> Html {
    let HexProps { buffers, width, chosen, cursor, .. } = props;
    let on_point = props.on_point.clone();
    let onclick = Callback::from(move |event: MouseEvent| {
        let Some((_, text)) = dom::attribute_around(event.target(), "data-spot") else { return };
        if let Some((buffer, at)) = text.split_once('-')
            && let (Ok(buffer), Ok(at)) = (buffer.parse(), at.parse())
        {
            on_point.emit((buffer, at));
        }
    });
    let (on_point, on_leave, all) = (props.on_point.clone(), props.on_leave.clone(), Rc::clone(buffers));
    let (from, line) = (*cursor, i64::try_from(*width).unwrap_or(16));
    let onkeydown = Callback::from(move |event: KeyboardEvent| {
        let by = match event.key().as_str() {
            "ArrowRight" => 1,
            "ArrowLeft" => -1,
            "ArrowDown" => line,
            "ArrowUp" => -line,
            "Enter" => 0,
            _ => return,
        };
        event.prevent_default();
        event.stop_propagation();
        match moved(&all, from, by) {
            Some(to) if by != 0 => {
                on_point.emit(to);
                dom::reveal(&id(to));
            }
            _ => on_leave.emit(()),
        }
    });
    html! {
        <div class="why-bytes">
            <div id="why-bytes" tabindex="0" role="group" {onclick} {onkeydown}
                aria-label="Bytes; arrow keys go from one to the next" aria-describedby="why-spot">
                { for buffers.iter().enumerate().map(|(number, buffer)| shown(number, buffer, *width, *chosen, *cursor)) }
            </div>
            <p id="why-spot" class="mono" role="status">{ spot(buffers, *cursor) }</p>
        </div>
    }
}

/// Where the cursor comes to: from the end of a buffer on to the next.
fn moved(buffers: &[Buffer], from: Option<Spot>, by: i64) -> Option<Spot> {
    let first = |number: usize| Some((number, *buffers.get(number)?.bytes.keys().next()?));
    let Some((number, at)) = from else { return first(0) };
    if let Some(to) = buffers.get(number)?.step(at, by) {
        return Some((number, to));
    }
    if by > 0 {
        return first(number + 1).or(from);
    }
    let before = number.checked_sub(1)?;
    Some((before, *buffers.get(before)?.bytes.keys().next_back()?))
}

/// The byte under the cursor, in words.
fn spot(buffers: &[Buffer], cursor: Option<Spot>) -> String {
    let byte = cursor.and_then(|(number, at)| {
        let buffer = buffers.get(number)?;
        Some((buffer, at, buffer.bytes.get(&at)?))
    });
    let Some((buffer, at, byte)) = byte else { return "Choose an option or a byte.".into() };
    let character = match byte.value {
        b'\r' => "CR".to_owned(),
        b'\n' => "LF".to_owned(),
        b'\t' => "TAB".to_owned(),
        b' ' => "space".to_owned(),
        0x21..=0x7e => format!("“{}”", char::from(byte.value)),
        _ => "no ASCII".to_owned(),
    };
    let options = |of: &[usize]| of.iter().map(|at| (at + 1).to_string()).collect::<Vec<_>>().join(", ");
    let of = match (byte.of.len(), byte.sought.as_slice()) {
        (0, []) => "no option matched it".to_owned(),
        (0, sought) => format!("option {} was sought from here", options(sought)),
        (1, _) => format!("matched by option {}", options(&byte.of)),
        _ => format!("matched by options {}", options(&byte.of)),
    };
    let name = words::name(&buffer.name, buffer.place);
    format!("{name} {} ({at:#x}) · {:02x} · {} · {character} · {of}", format::grouped(at), byte.value, byte.value)
}

fn shown(number: usize, buffer: &Buffer, width: u64, chosen: Option<usize>, cursor: Option<Spot>) -> Html {
    let gap =
        |n: u64| html! { <div class="hex-gap faint">{ format!("⋯ {} not shown", format::counted(n, "byte")) }</div> };
    html! {
        <div class="hex" key={number} data-buffer={buffer.name.clone()}>
            <h4 class="mono">{ words::name(&buffer.name, buffer.place) }
                <span class="faint">{ format!(" · {}", format::counted(buffer.size, "byte")) }</span></h4>
            { for buffer.lines(width).into_iter().map(|line| match line {
                Line::Gap(n) => gap(n),
                Line::Bytes(start) => row(number, buffer, start..start + width, chosen, cursor),
            }) }
        </div>
    }
}

fn row(
    number: usize,
    buffer: &Buffer,
    places: std::ops::Range<u64>,
    chosen: Option<usize>,
    cursor: Option<Spot>,
) -> Html {
    let cells = |text: &dyn Fn(u8) -> String, named: bool| -> Html {
        places
            .clone()
            .map(|at| {
                let Some(byte) = buffer.bytes.get(&at) else {
                    return html! { <i>{ text(b' ').replace("20", "  ") }</i> };
                };
                let class = classes!(state(buffer, at, byte, chosen), (cursor == Some((number, at))).then_some("cur"));
                let id = named.then(|| id((number, at)));
                html! { <i {id} {class} data-spot={format!("{number}-{at}")}>{ text(byte.value) }</i> }
            })
            .collect()
    };
    html! {
        <div class="hex-row mono" key={places.start.to_string()}>
            <span class="hex-at faint">{ format::grouped(places.start) }</span>
            <span class="hex-digits">{ cells(&|value| format!("{value:02x}"), true) }</span>
            <span class="hex-text" aria-hidden="true">{ cells(&|value| bytes::character(value).to_string(), false) }</span>
        </div>
    }
}

/// The classes of a byte: matched by some option, by the chosen one, and whether the match begins or ends there.
fn state(buffer: &Buffer, at: u64, byte: &Byte, chosen: Option<usize>) -> String {
    let mut class = String::new();
    if !byte.of.is_empty() {
        class.push('m');
    }
    let Some(chosen) = chosen else { return class };
    let is_on = |at: u64| buffer.bytes.get(&at).is_some_and(|byte| byte.of.contains(&chosen));
    if byte.of.contains(&chosen) {
        class.push_str(" on");
        if !at.checked_sub(1).is_some_and(is_on) {
            class.push_str(" begin");
        }
        if !is_on(at + 1) {
            class.push_str(" end");
        }
    }
    if byte.sought.contains(&chosen) {
        class.push_str(" sought");
    }
    class
}

/// The id of a byte's digits.
pub fn id((buffer, at): Spot) -> String {
    format!("why-byte-{buffer}-{at}")
}

#[cfg(test)]
mod tests {
    use sensor_wire::explain::{Found, Step, StepState};

    use super::*;

    fn two() -> Vec<Buffer> {
        let step = |state, buffer: &str, offset, len| Step {
            state,
            at: Some(Found { buffer: buffer.into(), size: 4, offset, len, hex: "0a410d20".into(), ..Found::default() }),
            why: String::new(),
        };
        bytes::buffers(&[step(StepState::Held, "a", 1, 2), step(StepState::Failed, "b", 3, 0)])
    }

    #[test]
    fn the_cursor_goes_from_one_buffer_to_the_next_and_back() {
        let two = two();
        assert_eq!(moved(&two, None, 1), Some((0, 0)));
        assert_eq!((moved(&two, Some((0, 3)), 1), moved(&two, Some((1, 0)), -1)), (Some((1, 0)), Some((0, 3))));
        assert_eq!((moved(&two, Some((1, 3)), 1), moved(&two, Some((0, 0)), -1)), (Some((1, 3)), None));
        assert_eq!(moved(&two, Some((0, 1)), 16), Some((0, 2)));
    }

    #[test]
    fn the_byte_under_the_cursor_is_told_in_words() {
        let two = two();
        assert_eq!(spot(&two, Some((0, 1))), "a 1 (0x1) · 41 · 65 · “A” · matched by option 1");
        assert_eq!(spot(&two, Some((0, 0))), "a 0 (0x0) · 0a · 10 · LF · no option matched it");
        assert_eq!(spot(&two, Some((1, 3))), "b 3 (0x3) · 20 · 32 · space · option 2 was sought from here");
        assert!(spot(&two, None).starts_with("Choose"));
    }

    #[test]
    fn bytes_of_the_chosen_option_say_where_they_begin_and_end() {
        let two = two();
        let of = |at: u64, chosen| state(&two[0], at, &two[0].bytes[&at], chosen);
        assert_eq!((of(0, Some(0)), of(1, None), of(1, Some(1))), (String::new(), "m".into(), "m".into()));
        assert_eq!((of(1, Some(0)), of(2, Some(0))), ("m on begin".into(), "m on end".into()));
        assert_eq!(state(&two[1], 3, &two[1].bytes[&3], Some(1)), " sought");
    }
}
