//! Handshakes of all kinds.

use sensor_core::stream::{End, Event, Settings, Side};

use super::conversation::{ACK, FIN, RST, SYN, Talk, Told, data};

#[test]
fn a_second_syn_with_another_number_is_answered() {
    let mut talk = Talk::new(Settings::default());
    talk.client(0, 0, SYN, b"");
    assert_eq!(talk.client(500, 0, SYN, b""), []);
    assert_eq!(talk.server(0, 501, SYN | ACK, b""), []);
    talk.client(501, 1, ACK, b"new");
    talk.close();
    assert_eq!(talk.told(Side::Client), [data(b"new"), Told::End(End::Open)]);
    // Or the one before it is.
    let mut talk = Talk::new(Settings::default());
    talk.client(0, 0, SYN, b"");
    talk.client(500, 0, SYN, b"");
    assert_eq!(talk.server(0, 1, SYN | ACK, b""), []);
    talk.client(1, 1, ACK, b"old");
    assert_eq!(talk.keeper.data_of(Side::Client), b"old");
    assert_eq!(talk.server(0, 1, SYN | ACK, b""), []);
    talk.server(1, 4, ACK, b"");
    assert_eq!(talk.server(0, 1, SYN | ACK, b""), [Event::EstSynAckResend]);
    assert_eq!(talk.client(0, 0, SYN, b""), [Event::EstSynResend]);
    assert_eq!(talk.client(9, 0, SYN, b""), [Event::EstSynOtherSeq]);
}

#[test]
fn a_second_syn_ack_with_another_number_is_taken_if_it_is_acknowledged() {
    let mut talk = Talk::new(Settings::default());
    talk.client(0, 0, SYN, b"");
    talk.server(0, 1, SYN | ACK, b"");
    assert_eq!(talk.server(800, 1, SYN | ACK, b""), [Event::SynAckOtherSeq]);
    assert_eq!(talk.server(0, 7, SYN | ACK, b""), [Event::SynAckOtherAck]);
    assert_eq!(talk.client(1, 801, ACK, b"q"), []);
    assert_eq!(talk.server(801, 2, ACK, b"a"), []);
    assert_eq!(talk.keeper.data_of(Side::Server), b"a");
}

#[test]
fn wrong_handshakes_have_their_names() {
    let mut talk = Talk::new(Settings::default());
    assert_eq!(talk.client(0, 0, RST, b""), [Event::RstNoSession]);
    assert_eq!(talk.client(0, 0, FIN, b""), [Event::FinNoSession]);
    assert_eq!(talk.client(0, 0, SYN, b""), []);
    assert_eq!(talk.server(0, 77, SYN | ACK, b""), [Event::SynAckWrongAck]);
    assert_eq!(talk.client(0, 1, SYN | ACK, b""), [Event::SynAckWrongDirection]);
    assert_eq!(talk.server(0, 77, RST | ACK, b""), [Event::RstInvalidAck, Event::InvalidAck]);
    assert_eq!(talk.server(0, 1, SYN | ACK, b""), []);
    assert_eq!(talk.client(0, 1, SYN | ACK, b""), [Event::SynAckToServer]);
    assert_eq!(talk.client(5, 0, SYN, b""), [Event::SynOtherSeq]);
    assert_eq!(talk.server(5, 0, SYN, b""), [Event::SynToClient]);
    assert_eq!(talk.server(50, 1, ACK, b""), [Event::HandshakeAckWrongDirection]);
    assert_eq!(talk.client(1, 9999, ACK, b""), [Event::HandshakeWrongAck]);
    assert_eq!(talk.client(99_999, 9999, ACK, b""), [Event::HandshakeWrongSeqAndAck]);
    assert_eq!(talk.client(1, 1, ACK, b""), []);
    assert_eq!(talk.state(), "established");
}

#[test]
fn floods_of_different_syns_and_syn_acks_are_told() {
    let mut talk = Talk::new(Settings::default());
    let odd = (0..20).filter(|i| talk.client(i * 10, 0, SYN, b"").contains(&Event::SynFlood)).count();
    assert_eq!(odd, 10);
    let odd = (0..20).filter(|i| talk.server(i * 10, 191, SYN | ACK, b"").contains(&Event::SynAckFlood)).count();
    assert_eq!(odd, 15);
}

#[test]
fn a_refused_connection_is_closed() {
    let mut talk = Talk::new(Settings::default());
    talk.client(0, 0, SYN, b"");
    assert_eq!(talk.server(0, 1, RST | ACK, b""), []);
    assert_eq!(talk.state(), "closed");
    let again = talk.segment(Side::Client, 900, 0, SYN, b"");
    assert!(talk.connection.reopens(&again));
    let same = talk.segment(Side::Client, 0, 0, SYN, b"");
    assert!(!talk.connection.reopens(&same));
}

#[test]
fn both_open_at_once() {
    let mut talk = Talk::new(Settings::default());
    talk.client(0, 0, SYN, b"");
    talk.server(0, 0, SYN, b"");
    assert_eq!(talk.client(0, 9, SYN | ACK, b""), [Event::SplitSynAckWrongAck]);
    assert_eq!(talk.client(4, 1, SYN | ACK, b""), [Event::SplitSynAckWrongSyn]);
    assert_eq!(talk.client(0, 1, SYN | ACK, b""), []);
    assert_eq!(talk.server(6, 1, ACK, b""), [Event::SplitWrongSeq]);
    assert_eq!(talk.server(1, 1, ACK, b""), []);
    assert_eq!(talk.state(), "established");
    talk.client(1, 1, ACK, b"hello");
    talk.server(1, 6, ACK, b"hi");
    assert_eq!(
        (talk.keeper.data_of(Side::Client), talk.keeper.data_of(Side::Server)),
        (b"hello".to_vec(), b"hi".to_vec())
    );
}

#[test]
fn fast_open_data_counts_when_it_is_acknowledged() {
    let mut talk = Talk::new(Settings::default());
    let mut syn = talk.segment(Side::Client, 0, 0, SYN, b"early");
    syn.fast_open = true;
    talk.take(&syn);
    assert_eq!(talk.told(Side::Client), []);
    let mut answer = talk.segment(Side::Server, 0, 6, SYN | ACK, b"");
    answer.fast_open = true;
    talk.take(&answer);
    assert_eq!(talk.told(Side::Client), [data(b"early")]);
    // The server answers before the handshake's ACK.
    assert_eq!(talk.server(1, 6, ACK, b"quick"), []);
    talk.client(6, 6, ACK, b"!");
    talk.close();
    assert_eq!(talk.told(Side::Client), [data(b"early!"), Told::End(End::Open)]);
    assert_eq!(talk.told(Side::Server), [data(b"quick"), Told::End(End::Open)]);
}

#[test]
fn fast_open_data_that_is_not_acknowledged_counts_when_it_comes_again() {
    let mut talk = Talk::new(Settings::default());
    let mut syn = talk.segment(Side::Client, 0, 0, SYN, b"fakes");
    syn.fast_open = true;
    talk.take(&syn);
    let mut answer = talk.segment(Side::Server, 0, 1, SYN | ACK, b"");
    answer.fast_open = true;
    assert_eq!(talk.take(&answer), [Event::FastOpenIgnored]);
    talk.client(1, 1, ACK, b"early!");
    talk.close();
    assert_eq!(talk.told(Side::Client), [data(b"early!"), Told::End(End::Open)]);
}

#[test]
fn midstream_only_where_it_is_asked_for() {
    let mut talk = Talk::new(Settings::default());
    talk.client(100, 500, ACK, b"abc");
    talk.close();
    assert_eq!(talk.told(Side::Client), []);
    let mut talk = Talk::new(Settings { midstream: true, ..Settings::default() });
    talk.client(100, 500, ACK, b"abc");
    assert!(talk.connection.is_midstream());
    talk.server(500, 103, ACK, b"xyz");
    talk.server(1_000_503, 103, ACK, b"far");
    talk.client(103, 1_000_506, FIN, b"");
    talk.close();
    assert_eq!(talk.told(Side::Client), [data(b"abc"), Told::End(End::Fin)]);
    assert_eq!(talk.told(Side::Server), [data(b"xyz"), Told::Gap(1_000_000), data(b"far"), Told::End(End::Open)]);
    // From the SYN-ACK on.
    let mut talk = Talk::new(Settings { midstream: true, ..Settings::default() });
    talk.server(0, 1, SYN | ACK, b"");
    talk.client(1, 1, ACK, b"q");
    talk.server(1, 2, ACK, b"a");
    assert_eq!((talk.keeper.data_of(Side::Client), talk.keeper.data_of(Side::Server)), (b"q".to_vec(), b"a".to_vec()));
}

#[test]
fn one_direction_is_enough_where_it_is_asked_for() {
    let settings = Settings { one_sided: true, ..Settings::default() };
    let mut talk = Talk::new(settings);
    talk.client(0, 0, SYN, b"");
    talk.client(1, 1, ACK, b"");
    talk.client(1, 1, ACK, b"abc");
    talk.client(4, 5000, ACK, b"def");
    talk.client(10, 9_000, FIN, b"jkl");
    talk.close();
    assert_eq!(talk.told(Side::Client), [data(b"abcdef"), Told::Gap(3), data(b"jkl"), Told::End(End::Fin)]);
    assert_eq!(talk.told(Side::Server), [Told::Gap(8999), Told::End(End::Open)]);
    // The answering side alone.
    let mut talk = Talk::new(settings);
    talk.server(0, 1, SYN | ACK, b"");
    talk.server(1, 50, ACK, b"abc");
    talk.server(4, 50, ACK, b"def");
    assert_eq!(talk.told(Side::Server), [data(b"abcdef")]);
}

#[test]
fn a_missed_last_packet_of_the_handshake_stops_nothing() {
    let mut talk = Talk::new(Settings::default());
    talk.client(0, 0, SYN, b"");
    talk.server(0, 1, SYN | ACK, b"");
    assert_eq!(talk.server(1, 1, ACK, b"220 hello"), []);
    assert_eq!(talk.keeper.data_of(Side::Server), b"220 hello");
}
