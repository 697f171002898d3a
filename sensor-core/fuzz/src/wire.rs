//! Any bytes as messages of the link and of the window.

use std::fmt::Debug;

use sensor_wire::codec;
use sensor_wire::event::Events;
use sensor_wire::explain::ExplainAnswer;
use sensor_wire::hello::Hello;
use sensor_wire::interface::Interfaces;
use sensor_wire::live::Live;
use sensor_wire::request::{FlowsAnswer, Request, ValuesAnswer};
use sensor_wire::view::{Prefs, ViewReply, ViewRequest};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What can be read can be written, and reads the same again.
pub fn run(data: &[u8]) {
    let Some((kind, message)) = data.split_first() else { return };
    match kind % 11 {
        0 => check::<Hello>(message),
        1 => check::<Request>(message),
        2 => check::<Live>(message),
        3 => check::<FlowsAnswer>(message),
        4 => check::<ValuesAnswer>(message),
        5 => check::<Interfaces>(message),
        6 => check::<ViewRequest>(message),
        7 => check::<ViewReply>(message),
        8 => check::<Prefs>(message),
        9 => check::<ExplainAnswer>(message),
        _ => events(message),
    }
}

/// Events, and what they say; a body of another kind than it says is no more than that.
fn events(bytes: &[u8]) {
    check::<Events>(bytes);
    for event in codec::decode::<Events>(bytes).unwrap_or_default().events {
        let _ = event.read();
    }
}

fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(bytes: &[u8]) {
    let Ok(read) = codec::decode::<T>(bytes) else { return };
    // Compared as bytes: a number that is not one does not equal itself.
    let maps = codec::encode(&read).unwrap();
    assert_eq!(codec::encode(&codec::decode::<T>(&maps).unwrap()).unwrap(), maps);
    let arrays = codec::encode_compact(&read).unwrap();
    assert_eq!(codec::encode_compact(&codec::decode_compact::<T>(&arrays).unwrap()).unwrap(), arrays);
}
