//! In order, out of order, missing, wrapped, cut, bounded.

use sensor_core::stream::{Connection, End, Event, Policy, Settings, Side, Streams};

use super::conversation::{ACK, FIN, RST, Talk, Told, data};

#[test]
fn a_clean_connection_hands_on_each_segment_across_the_wrap_and_ends() {
    let mut talk = Talk::open(Settings::default());
    assert_eq!(talk.client(1, 1, ACK, b"GET / HTTP/1.1\r\n"), []);
    assert_eq!(talk.client(17, 1, ACK, b"\r\n"), []);
    assert_eq!(talk.server(1, 19, ACK, b"HTTP/1.1 200 OK\r\n\r\n"), []);
    assert_eq!(talk.client(19, 20, FIN, b""), []);
    assert_eq!(talk.state(), "close_wait");
    assert_eq!(talk.server(20, 20, FIN, b"bye"), []);
    assert_eq!(talk.state(), "last_ack");
    assert_eq!(talk.client(20, 24, ACK, b""), []);
    assert_eq!(talk.state(), "closed");
    talk.close();
    assert_eq!(talk.told(Side::Client), [data(b"GET / HTTP/1.1\r\n\r\n"), Told::End(End::Fin)]);
    assert_eq!(talk.told(Side::Server), [data(b"HTTP/1.1 200 OK\r\n\r\nbye"), Told::End(End::Fin)]);
    assert_eq!(talk.keeper.calls, [2, 2]);
    assert_eq!(talk.streams.allocated(), 0, "in order nothing is stored");
}

#[test]
fn the_server_closes_first() {
    let mut talk = Talk::open(Settings::default());
    talk.server(1, 1, FIN, b"x");
    assert_eq!(talk.state(), "fin_wait1");
    talk.client(1, 3, ACK, b"");
    assert_eq!(talk.state(), "fin_wait2");
    talk.client(1, 3, FIN, b"");
    assert_eq!(talk.state(), "time_wait");
    talk.server(3, 2, ACK, b"");
    assert_eq!(talk.state(), "closed");
}

#[test]
fn out_of_order_data_waits_and_comes_in_order() {
    let mut talk = Talk::open(Settings::default());
    talk.client(7, 1, ACK, b"ghi");
    talk.client(10, 1, FIN, b"j");
    talk.client(4, 1, ACK, b"def");
    assert_eq!(talk.told(Side::Client), []);
    assert!(talk.streams.used() > 0);
    talk.client(1, 1, ACK, b"abc");
    assert_eq!(talk.told(Side::Client), [data(b"abcdefghij"), Told::End(End::Fin)]);
    assert_eq!(talk.streams.used(), 0);
    assert_eq!(talk.streams.stats().out_of_order, 3);
}

#[test]
fn a_hole_is_a_gap_once_data_behind_it_is_acknowledged() {
    let mut talk = Talk::open(Settings::default());
    talk.client(1, 1, ACK, b"abc");
    talk.client(7, 1, ACK, b"ghi");
    assert_eq!(talk.server(1, 4, ACK, b""), []);
    assert_eq!(talk.told(Side::Client), [data(b"abc")]);
    assert_eq!(talk.server(1, 10, ACK, b""), [Event::Gap]);
    assert_eq!(talk.told(Side::Client), [data(b"abc"), Told::Gap(3), data(b"ghi")]);
    // What comes late is known.
    assert_eq!(
        talk.client(4, 1, ACK, b"def"),
        [Event::BeforeLastAck, Event::Retransmission, Event::SpuriousRetransmission, Event::BeforeBase]
    );
    // An acknowledgement of more than was seen waits for data that shows the hole.
    talk.server(1, 20, ACK, b"");
    assert_eq!(talk.client(20, 1, ACK, b"t"), [Event::Gap]);
    assert_eq!(talk.told(Side::Client), [data(b"abc"), Told::Gap(3), data(b"ghi"), Told::Gap(10), data(b"t")]);
}

#[test]
fn an_acknowledgement_captured_before_its_data_makes_no_gap() {
    let mut talk = Talk::open(Settings::default());
    talk.server(1, 7, ACK, b"");
    talk.client(1, 1, ACK, b"abc");
    talk.client(4, 1, ACK, b"def");
    talk.close();
    assert_eq!(talk.told(Side::Client), [data(b"abcdef"), Told::End(End::Open)]);
}

#[test]
fn acknowledged_data_that_never_came_is_a_gap_at_the_end() {
    let mut talk = Talk::open(Settings::default());
    talk.client(1, 1, ACK, b"abc");
    talk.client(10, 1, ACK, b"jkl");
    talk.server(1, 101, ACK, b"");
    talk.close();
    assert_eq!(
        talk.told(Side::Client),
        [data(b"abc"), Told::Gap(6), data(b"jkl"), Told::Gap(88), Told::End(End::Open)]
    );
    // One number more is a FIN that wasn't captured.
    let mut talk = Talk::open(Settings::default());
    talk.client(1, 1, ACK, b"abc");
    talk.server(1, 5, ACK, b"");
    talk.close();
    assert_eq!(talk.told(Side::Client), [data(b"abc"), Told::End(End::Open)]);
}

#[test]
fn bytes_that_the_capture_cut_are_gaps() {
    let mut talk = Talk::open(Settings::default());
    let mut cut = talk.segment(Side::Client, 1, 1, ACK, b"abc");
    cut.len = 10;
    talk.take(&cut);
    let mut cut = talk.segment(Side::Client, 21, 1, ACK, b"uv");
    cut.len = 5;
    talk.take(&cut);
    talk.client(11, 1, ACK, b"klmnopqrst");
    let expected = [data(b"abc"), Told::Gap(7), data(b"klmnopqrstuv"), Told::Gap(3)];
    assert_eq!(talk.told(Side::Client), expected);
    // Padding isn't payload.
    let mut padded = talk.segment(Side::Client, 26, 1, ACK, b"z00000");
    padded.len = 1;
    talk.take(&padded);
    assert_eq!(talk.keeper.data_of(Side::Client), b"abcklmnopqrstuvz");
}

#[test]
fn past_the_window_is_not_taken() {
    let mut talk = Talk::open(Settings::default());
    talk.window = 10;
    talk.server(1, 1, ACK, b"");
    // The SYN-ACK's window of 65535 was granted and is not taken back.
    assert_eq!(talk.client(70_000, 1, ACK, b"evil"), [Event::OutOfWindow]);
    assert_eq!(talk.client(1, 100_000, ACK, b"evil"), [Event::EstInvalidAck, Event::InvalidAck]);
    assert_eq!(talk.client(1, 1, 0, b"no ack"), []);
    talk.close();
    assert_eq!(talk.told(Side::Client), [Told::End(End::Open)]);
}

#[test]
fn keep_alives_and_window_probes_are_no_data() {
    let mut talk = Talk::open(Settings::default());
    talk.client(1, 1, ACK, b"abc");
    talk.window = 0;
    talk.server(1, 4, ACK, b"");
    talk.window = 65535;
    // A keep-alive with a garbage byte.
    assert_eq!(talk.client(3, 1, ACK, b"\0"), []);
    assert_eq!(talk.client(3, 1, ACK, b""), []);
    // A probe of the closed window; the receiver doesn't take it, and the sender sends the byte again.
    assert_eq!(talk.client(4, 1, ACK, b"?"), []);
    talk.server(1, 4, ACK, b"");
    talk.client(4, 1, ACK, b"def");
    assert_eq!(talk.told(Side::Client), [data(b"abcdef")]);
    // Another one, which it takes.
    talk.window = 0;
    talk.server(1, 7, ACK, b"");
    talk.window = 65535;
    talk.client(7, 1, ACK, b"g");
    assert_eq!(talk.server(1, 8, ACK, b""), [Event::EstAckOfProbe]);
    talk.client(8, 1, ACK, b"hi");
    talk.close();
    assert_eq!(talk.told(Side::Client), [data(b"abcdefghi"), Told::End(End::Open)]);
}

#[test]
fn urgent_bytes_are_out_of_band_or_not() {
    for (out_of_band, expected) in [(true, &b"abdefg"[..]), (false, b"abcdefg")] {
        let mut talk = Talk::open(Settings { urgent_out_of_band: out_of_band, ..Settings::default() });
        let mut urgent = talk.segment(Side::Client, 1, 1, ACK | 0x20, b"abcd");
        urgent.urgent = 3;
        // Out of order first, then in order.
        talk.client(5, 1, ACK, b"ef");
        talk.take(&urgent);
        talk.client(7, 1, ACK, b"g");
        talk.close();
        assert_eq!(talk.told(Side::Client), [data(expected), Told::End(End::Open)]);
    }
}

#[test]
fn a_reader_that_has_enough_costs_no_memory() {
    let mut talk = Talk::open(Settings::default());
    talk.keeper.enough = Some(3);
    talk.client(4, 1, ACK, b"def");
    talk.client(1, 1, ACK, b"abc");
    assert!(talk.connection.is_done(Side::Client) && !talk.connection.is_done(Side::Server));
    talk.client(10, 1, ACK, b"jkl");
    talk.client(7, 1, FIN, b"ghi");
    assert_eq!(talk.streams.used(), 0);
    talk.close();
    assert_eq!(talk.told(Side::Client), [data(b"abc")]);
    assert_eq!(talk.connection.told(Side::Client), 12);
}

#[test]
fn the_depth_cuts_within_a_segment_and_within_a_gap() {
    let mut talk = Talk::open(Settings { depth: 5, ..Settings::default() });
    talk.client(1, 1, ACK, b"abc");
    assert_eq!(talk.client(4, 1, ACK, b"defg"), [Event::DepthReached]);
    talk.client(8, 1, ACK, b"more");
    talk.server(1, 12, ACK, b"ab");
    talk.server(13, 12, ACK, b"mn");
    assert_eq!(talk.client(12, 15, ACK, b""), [Event::Gap, Event::DepthReached]);
    talk.close();
    assert_eq!(talk.told(Side::Client), [data(b"abcde"), Told::End(End::Depth)]);
    assert_eq!(talk.told(Side::Server), [data(b"ab"), Told::Gap(3), Told::End(End::Depth)]);
}

#[test]
fn a_side_that_holds_too_much_gives_up_its_hole() {
    let settings = Settings { side_bytes: 10_000, side_segments: 4, ..Settings::default() };
    let mut talk = Talk::open(settings);
    talk.server(1, 1, ACK, b"x");
    for i in 0..5u32 {
        talk.client(11 + 10 * i, 2, ACK, b"y");
    }
    assert_eq!(talk.streams.stats().forced_side, 1);
    assert_eq!(talk.streams.used(), 0);
    let mut expected = Vec::new();
    for _ in 0..5 {
        expected.extend([Told::Gap(if expected.is_empty() { 10 } else { 9 }), data(b"y")]);
    }
    assert_eq!(talk.told(Side::Client), expected);
    // Bytes count too.
    for i in 0..4u32 {
        talk.client(100 + 6000 * i, 2, ACK, &[b'z'; 5000]);
    }
    assert_eq!(talk.streams.stats().forced_side, 1 + 2);
}

#[test]
fn the_memcap_holds_over_all_connections_and_nothing_seen_is_lost() {
    let settings = Settings { memcap: 40_000, ..Settings::default() };
    let mut streams = Streams::new(settings);
    let talk = Talk::open(settings);
    let mut talks: Vec<_> =
        (0..100).map(|_| (Connection::new(Policy::Bsd, Policy::Bsd), super::conversation::Keeper::default())).collect();
    for (connection, keeper) in &mut talks {
        let mut take = |segment| connection.segment(&segment, &mut streams, keeper);
        take(talk.segment(Side::Client, 0, 0, super::conversation::SYN, b""));
        take(talk.segment(Side::Server, 0, 1, super::conversation::SYN | ACK, b""));
        take(talk.segment(Side::Client, 1, 1, ACK, b""));
        take(talk.segment(Side::Client, 1001, 1, ACK, &[7; 1000]));
        assert!(streams.allocated() <= settings.memcap);
    }
    // 26 buffers of 1,536 bytes fit.
    assert_eq!(streams.stats().forced_memcap, 74);
    for (connection, keeper) in &mut talks {
        connection.close(&mut streams, keeper);
        assert_eq!((keeper.data_of(Side::Client).len(), keeper.gaps_of(Side::Client)), (1000, 1000));
    }
    assert_eq!(streams.used(), 0);
}

#[test]
fn resets_count_in_place_and_are_forgotten_if_their_sender_goes_on() {
    let mut talk = Talk::open(Settings::default());
    talk.client(1, 1, ACK, b"abc");
    talk.server(1, 4, ACK, b"");
    assert_eq!(talk.server(500, 0, RST, b""), [Event::RstChallenged]);
    assert_eq!(talk.server(70_000, 0, RST, b""), [Event::RstOutOfWindow]);
    assert_eq!(talk.state(), "established");
    assert_eq!(talk.server(1, 0, RST, b""), []);
    assert_eq!(talk.state(), "closed");
    assert_eq!(talk.server(1, 4, ACK, b"still here"), [Event::SuspectedRstInject]);
    assert_eq!(talk.state(), "established");
    assert_eq!(talk.client(4, 11, RST | ACK, b""), []);
    talk.close();
    assert_eq!(talk.told(Side::Server), [data(b"still here"), Told::End(End::Reset)]);
    // An older stack takes a RST anywhere in the window.
    let mut talk = Talk::with_policy(Policy::Solaris);
    assert_eq!(talk.server(500, 0, RST, b""), []);
    assert_eq!(talk.state(), "closed");
}

#[test]
fn old_timestamps_are_not_taken() {
    let mut talk = Talk::new(Settings::default());
    let mut send = |side, seq, ack, flags, payload, stamp: u32| {
        let mut segment = talk.segment(side, seq, ack, flags, payload);
        segment.timestamp = Some(stamp);
        talk.take(&segment)
    };
    send(Side::Client, 0, 0, super::conversation::SYN, b"", 100);
    send(Side::Server, 0, 1, super::conversation::SYN | ACK, b"", 900);
    send(Side::Client, 1, 1, ACK, b"", 101);
    assert_eq!(send(Side::Client, 1, 1, ACK, b"evil", 90), [Event::InvalidTimestamp]);
    // A later segment that comes early doesn't age the one before it.
    assert_eq!(send(Side::Client, 4, 1, ACK, b"def", 110), []);
    assert_eq!(send(Side::Client, 1, 1, ACK, b"abc", 105), []);
    talk.close();
    assert_eq!(talk.told(Side::Client), [data(b"abcdef"), Told::End(End::Open)]);
}

#[test]
fn window_scales_count_only_if_both_offer_them() {
    for (answers, taken) in [(Some(7), true), (None, false)] {
        let mut talk = Talk::new(Settings::default());
        let mut syn = talk.segment(Side::Client, 0, 0, super::conversation::SYN, b"");
        syn.scale = Some(7);
        talk.take(&syn);
        let mut syn = talk.segment(Side::Server, 0, 1, super::conversation::SYN | ACK, b"");
        syn.scale = answers;
        talk.take(&syn);
        talk.client(1, 1, ACK, b"");
        talk.server(1, 1, ACK, b"");
        let events = talk.client(1_000_000, 1, ACK, b"far");
        assert_eq!(events.is_empty(), taken, "{events:?}");
        talk.close();
    }
}

#[test]
fn a_reset_after_both_closed_changes_nothing() {
    let mut talk = Talk::open(Settings { midstream: true, ..Settings::default() });
    talk.client(1, 1, FIN, b"abc");
    talk.server(1, 5, FIN, b"");
    talk.client(5, 2, ACK, b"");
    assert_eq!(talk.state(), "closed");
    assert_eq!(talk.client(5, 2, RST | ACK, b""), []);
    assert_eq!(talk.client(5, 2, ACK, b""), []);
    assert_eq!(talk.state(), "closed");
    talk.close();
    assert_eq!(talk.told(Side::Client), [data(b"abc"), Told::End(End::Fin)]);
}

#[test]
fn where_the_peer_is_not_seen_a_hole_is_given_up_soon() {
    let mut talk = Talk::new(Settings { one_sided: true, ..Settings::default() });
    talk.client(0, 0, super::conversation::SYN, b"");
    talk.client(1, 1, ACK, b"a");
    for i in 0..300u32 {
        talk.client(3 + i, 1, ACK, b"c");
    }
    assert_eq!(talk.streams.stats().forced_side, 1);
    assert_eq!(talk.told(Side::Client), [data(b"a"), Told::Gap(1), data(&[b'c'; 300])]);
}

#[test]
fn after_a_reset_the_other_side_may_still_be_heard() {
    let mut talk = Talk::open(Settings::default());
    talk.server(1, 1, ACK, b"abc");
    assert_eq!(talk.client(1, 4, RST | ACK, b""), []);
    assert_eq!(talk.server(4, 1, ACK, b"def"), []);
    assert_eq!(talk.state(), "closed");
    talk.close();
    assert_eq!(talk.told(Side::Server), [data(b"abcdef"), Told::End(End::Reset)]);
}
