//! Feeds the flows of a capture to parsers.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::captures::{Stream, corpus, packets};
use sensor_core::applayer::parser::{Context, Parsed, Parser, Protocol, Settings};
use sensor_core::applayer::{AppProto, Side, Transport, protocols};
use sensor_core::json::Object;
use serde_json::Value;

pub type Parsers = Vec<Box<dyn Parser>>;

/// A flow: its parser, its streams and how much of each was fed.
type Fed = (Box<dyn Parser>, [Stream; 2], [usize; 2]);

/// Feeds a capture's flows on a port to parsers of a protocol, streams in pieces; returns the EVE objects of all
/// transactions and the parsers.
pub fn replay(file: &str, app: AppProto, port: u16, piece: usize) -> Option<(Vec<Value>, Parsers)> {
    let path = corpus()?.join(file);
    let protocol: &Protocol = protocols::protocol(app)?;
    let settings = Settings::default();
    let mut order = Vec::new();
    let mut flows: HashMap<(u8, IpAddr, u16, IpAddr), Fed> = HashMap::new();
    let mut cx = Context {
        time: 0,
        transport: Transport::Tcp,
        ports: (0, port),
        settings: &settings,
        next: None,
        announced: None,
    };
    for packet in packets(&path) {
        // Where both ports are the protocol's, who speaks first is the client.
        let back = (packet.proto, packet.destination, packet.destination_port, packet.source);
        let answers = packet.source_port == port && flows.contains_key(&back);
        let side = if packet.destination_port == port && !answers { Side::ToServer } else { Side::ToClient };
        if packet.destination_port != port && packet.source_port != port {
            continue;
        }
        let key = match side {
            Side::ToServer => (packet.proto, packet.source, packet.source_port, packet.destination),
            Side::ToClient => (packet.proto, packet.destination, packet.destination_port, packet.source),
        };
        let (parser, streams, done) = flows.entry(key).or_insert_with(|| {
            order.push(key);
            ((protocol.parser)(&settings), Default::default(), [0; 2])
        });
        cx.time = packet.time;
        if packet.proto == 17 {
            cx.transport = Transport::Udp;
            parser.data(side, &packet.payload, &mut cx);
            continue;
        }
        cx.transport = Transport::Tcp;
        let (stream, done) = (&mut streams[side as usize], &mut done[side as usize]);
        stream.segment(&packet.tcp, &packet.payload);
        if *done == usize::MAX {
            continue;
        }
        let fresh = stream.bytes[*done..].to_vec();
        *done = stream.bytes.len();
        for part in fresh.chunks(piece) {
            if parser.data(side, part, &mut cx) != Parsed::More {
                *done = usize::MAX;
                break;
            }
        }
    }
    let parsers: Vec<_> = order.iter().filter_map(|key| flows.remove(key)).map(|(parser, ..)| parser).collect();
    let mut lines = Vec::new();
    for parser in &parsers {
        for transaction in parser.ids().filter_map(|id| parser.transaction(id)) {
            let mut line = Vec::new();
            Object::write(&mut line, |object| transaction.eve(object));
            lines.push(serde_json::from_slice(&line).unwrap_or_else(|error| panic!("{error}")));
        }
    }
    Some((lines, parsers))
}
