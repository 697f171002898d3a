use proptest::prelude::*;

use super::*;
use crate::applayer::Transport;
use crate::applayer::parser::{FileState, Next};
use crate::rules::Buffer;

/// A connection as parsed, with what the parser said.
struct Seen {
    http: Box<dyn Parser>,
    next: Option<Next>,
}

/// Feeds turns, in pieces of `step` bytes, then ends both sides.
fn read(turns: &[(Side, &[u8])], step: usize) -> Seen {
    let settings = Settings::default();
    let mut http = (PROTOCOL.parser)(&settings);
    let mut cx = Context {
        time: 0,
        transport: Transport::Tcp,
        ports: (40_000, 80),
        settings: &settings,
        next: None,
        announced: None,
    };
    for (side, bytes) in turns {
        for piece in bytes.chunks(step) {
            http.data(*side, piece, &mut cx);
        }
    }
    http.end(Side::ToServer, &mut cx);
    http.end(Side::ToClient, &mut cx);
    let next = cx.next;
    Seen { http, next }
}

fn buffer(seen: &Seen, id: u64, buffer: Buffer, side: Side) -> String {
    let mut scratch = Vec::new();
    let transaction = seen.http.transaction(id).unwrap();
    let bytes = transaction.buffer(buffer, side, 0, &mut scratch).unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}

fn events(seen: &Seen, id: u64) -> Vec<&'static str> {
    seen.http.transaction(id).unwrap().events().iter().map(|event| event::NAMES[usize::from(event)]).collect()
}

/// All that rules and records see.
fn dump(seen: &Seen) -> Vec<String> {
    let mut out = Vec::new();
    for id in seen.http.ids() {
        let transaction = seen.http.transaction(id).unwrap();
        for side in [Side::ToServer, Side::ToClient] {
            for name in
                Buffer::ALL.iter().filter(|name| name.name().starts_with("http") || name.name().starts_with("file"))
            {
                out.push(format!("{} {}", name.name(), buffer(seen, id, *name, side)));
            }
            out.push(format!("{} {:?}", transaction.progress(side), events(seen, id)));
        }
        let files = transaction.files().iter().map(|file| (file.name.clone(), file.size, file.state));
        out.push(format!("{:?}", files.collect::<Vec<_>>()));
        let mut line = Vec::new();
        crate::json::Object::write(&mut line, |object| transaction.eve(object));
        out.push(String::from_utf8(line).unwrap());
    }
    out
}

const REQUEST: &[u8] = b"GET /a/../b%20c?q=%41 HTTP/1.1\r\nHost: WWW.Example.com:80\r\nCookie: x=1\r\n\
    User-Agent:  me \r\nX-A: 1\r\nx-a: 2\r\n folded\r\n\r\n";
const CHUNKED: &[u8] =
    b"HTTP/1.1 200 OK\r\nServer: s\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1 \r\n!\r\n0\r\nT: 1\r\n\r\n";

#[test]
fn a_request_and_its_response() {
    let seen = read(&[(Side::ToServer, REQUEST), (Side::ToClient, CHUNKED)], 4096);
    let at = |name, side| buffer(&seen, 0, name, side);
    let (to_server, to_client) = (Side::ToServer, Side::ToClient);
    assert_eq!(at(Buffer::HttpMethod, to_server), "GET");
    assert_eq!(at(Buffer::HttpUri, to_server), "/b c?q=A");
    assert_eq!(at(Buffer::HttpUriRaw, to_server), "/a/../b%20c?q=%41");
    assert_eq!(at(Buffer::HttpHost, to_server), "www.example.com");
    assert_eq!(at(Buffer::HttpHostRaw, to_server), "WWW.Example.com:80");
    assert_eq!(at(Buffer::HttpUserAgent, to_server), "me");
    assert_eq!(at(Buffer::HttpCookie, to_server), "x=1");
    assert_eq!(at(Buffer::HttpHeader, to_server), "Host: WWW.Example.com:80\r\nUser-Agent: me\r\nX-A: 1, 2 folded\r\n");
    assert_eq!(at(Buffer::HttpHeaderNames, to_server), "\r\nHost\r\nCookie\r\nUser-Agent\r\nX-A\r\n\r\n");
    assert_eq!(at(Buffer::HttpStatCode, to_client), "200");
    assert_eq!(at(Buffer::HttpStatMsg, to_client), "OK");
    assert_eq!(at(Buffer::FileData, to_client), "hello!");
    assert_eq!(events(&seen, 0), ["request_header_repetition", "response_chunk_extension"]);
    let file = &seen.http.transaction(0).unwrap().files()[0];
    assert_eq!((file.name.as_slice(), file.size, file.state), (&b"/b c"[..], 6, FileState::Closed));
}

#[test]
fn requests_are_pipelined_and_interim_responses_passed_over() {
    let requests = b"POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcHEAD /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n";
    let responses = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 404 No\r\n\r\nuntil the end";
    for step in [1, 7, 4096] {
        let seen = read(&[(Side::ToServer, requests), (Side::ToClient, responses)], step);
        assert_eq!(seen.http.ids(), 0..3);
        let bodies: Vec<_> = (0..3).map(|id| buffer(&seen, id, Buffer::FileData, Side::ToClient)).collect();
        assert_eq!(bodies, ["ok", "", "until the end"]);
        assert_eq!(buffer(&seen, 0, Buffer::HttpRequestBody, Side::ToServer), "abc");
        assert_eq!(buffer(&seen, 2, Buffer::HttpStatCode, Side::ToClient), "404");
    }
}

#[test]
fn forms_are_taken_apart() {
    let body =
        b"--b\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\ntext\r\n--b\r\nContent-Disposition: form-data; \
        name=\"f\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\none\r\n--two\r\n--b\r\nContent-Disposition: \
        form-data; filename=b\r\n\r\n\r\n--b--\r\n";
    let head = format!(
        "POST /up HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=\"b\"\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let request = [head.as_bytes(), body].concat();
    for step in [1, 3, 4096] {
        let seen = read(&[(Side::ToServer, &request)], step);
        let transaction = seen.http.transaction(0).unwrap();
        let files: Vec<_> =
            transaction.files().iter().map(|file| (file.name.as_slice(), file.head.as_slice(), file.state)).collect();
        let closed = FileState::Closed;
        assert_eq!(files, [(&b"a.txt"[..], &b"one\r\n--two"[..], closed), (b"b", b"", closed)]);
        assert_eq!(buffer(&seen, 0, Buffer::HttpRequestBody, Side::ToServer).as_bytes(), body);
        assert_eq!(buffer(&seen, 0, Buffer::FileData, Side::ToServer), "one\r\n--two");
    }
}

#[test]
fn tunnels_are_handed_on() {
    let connect = b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n";
    let seen = read(&[(Side::ToServer, connect), (Side::ToClient, b"HTTP/1.1 200 OK\r\n\r\n")], 4096);
    assert_eq!(seen.next, Some(Next::Probe));
    let upgrade = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n";
    let answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
    let seen = read(&[(Side::ToServer, upgrade), (Side::ToClient, answer)], 4096);
    assert_eq!(seen.next, Some(Next::Is(AppProto::WebSocket)));
}

#[test]
fn a_body_behind_a_body_belongs_to_it() {
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef";
    let request = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nlogin=1&x";
    for step in [1, 4096] {
        let seen = read(&[(Side::ToServer, request), (Side::ToClient, answer)], step);
        assert_eq!(buffer(&seen, 0, Buffer::FileData, Side::ToClient), "abcdef");
        assert_eq!(buffer(&seen, 0, Buffer::HttpRequestBody, Side::ToServer), "login=1&x");
        assert_eq!(events(&seen, 0), ["request_body_unexpected"]);
        let answers =
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc\r\nHTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n";
        let seen = read(&[(Side::ToServer, REQUEST), (Side::ToServer, REQUEST), (Side::ToClient, answers)], step);
        assert_eq!(buffer(&seen, 0, Buffer::FileData, Side::ToClient), "abc\r\n");
        assert_eq!(buffer(&seen, 1, Buffer::HttpStatCode, Side::ToClient), "404");
    }
}

#[test]
fn a_response_without_request_has_a_transaction() {
    let seen = read(&[(Side::ToClient, b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")], 4096);
    assert_eq!(events(&seen, 0), ["unable_to_match_response_to_request"]);
    assert_eq!(seen.http.transaction(0).unwrap().progress(Side::ToServer), COMPLETE);
}

#[test]
fn gaps_are_skipped_in_bodies_only() {
    let settings = Settings::default();
    let mut http = (PROTOCOL.parser)(&settings);
    let mut cx = Context {
        time: 0,
        transport: Transport::Tcp,
        ports: (1, 80),
        settings: &settings,
        next: None,
        announced: None,
    };
    http.data(Side::ToServer, b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n", &mut cx);
    http.data(Side::ToClient, b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", &mut cx);
    assert_eq!(http.gap(Side::ToClient, 7, &mut cx), Parsed::More);
    http.data(Side::ToClient, b"HTTP/1.1 201 OK\r\nContent-", &mut cx);
    let file = &http.transaction(0).unwrap().files()[0];
    assert_eq!((file.size, file.gaps, file.state), (10, true, FileState::Truncated));
    assert_eq!(http.gap(Side::ToClient, 1, &mut cx), Parsed::Enough);
    assert_eq!(http.transaction(1).unwrap().progress(Side::ToClient), COMPLETE);
}

#[test]
fn bounds_hold() {
    let settings = Settings { transactions: 4, ..Settings::default() };
    let mut http = (PROTOCOL.parser)(&settings);
    let mut cx = Context {
        time: 0,
        transport: Transport::Tcp,
        ports: (1, 80),
        settings: &settings,
        next: None,
        announced: None,
    };
    for _ in 0..100 {
        http.data(Side::ToServer, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", &mut cx);
    }
    let ids = http.ids();
    assert_eq!(ids.end, 100);
    assert!(ids.end - ids.start <= 8, "{ids:?}");
    assert_eq!(http.data(Side::ToServer, &[b'a'; 40_000], &mut cx), Parsed::More);
    let mut http = (PROTOCOL.parser)(&settings);
    assert_eq!(http.data(Side::ToServer, &[b'a'; 40_000], &mut cx), Parsed::Failed);
    // Released ones go once they are complete.
    let mut http = (PROTOCOL.parser)(&settings);
    http.data(Side::ToServer, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", &mut cx);
    http.release(0);
    assert!(http.transaction(0).is_none() && http.ids() == (0..1));
    http.data(Side::ToClient, b"HTTP/1.1 204 OK\r\n\r\n", &mut cx);
    assert_eq!(http.ids(), 1..1);
}

#[test]
fn headers_and_layers_are_bounded() {
    let many: String = (0..2000).map(|n| format!("X{n}: y\r\n")).collect();
    let same = "X-Same: y\r\n".repeat(1000);
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\n{same}{many}\r\n");
    let response = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip, gzip\r\nContent-Length: 2\r\n\r\nok";
    let seen = read(&[(Side::ToServer, request.as_bytes()), (Side::ToClient, response)], 1460);
    let told = events(&seen, 0);
    assert!(told.contains(&"request_too_many_headers") && told.contains(&"too_many_encoding_layers"), "{told:?}");
    let mut scratch = Vec::new();
    let transaction = seen.http.transaction(0).unwrap();
    assert!(transaction.buffer(Buffer::HttpRequestHeader, Side::ToServer, 1023, &mut scratch).is_some());
    let mut scratch = Vec::new();
    assert!(transaction.buffer(Buffer::HttpRequestHeader, Side::ToServer, 1024, &mut scratch).is_none());
    let mut scratch = Vec::new();
    let same = transaction.buffer(Buffer::HttpRequestHeader, Side::ToServer, 1, &mut scratch).unwrap();
    assert_eq!(same.len(), "X-Same: y".len() + 64 * ", y".len());
    // A head past all bounds ends the parsing of its side.
    let settings = Settings::default();
    let mut http = (PROTOCOL.parser)(&settings);
    let mut cx = Context {
        time: 0,
        transport: Transport::Tcp,
        ports: (1, 80),
        settings: &settings,
        next: None,
        announced: None,
    };
    let long = format!("GET / HTTP/1.1\r\n{}", "X: y\r\n".repeat(200_000));
    assert_eq!(http.data(Side::ToServer, long.as_bytes(), &mut cx), Parsed::Enough);
    assert!(http.bytes() < 3 * MAX_HEAD, "{}", http.bytes());
}

#[test]
fn very_many_folds_take_linear_time() {
    // As long as a head may be: quadratic, this would copy tens of gigabytes.
    let request = format!("GET / HTTP/1.1\r\nX: y\r\n{}\r\n", " a\n".repeat(150_000));
    let seen = read(&[(Side::ToServer, request.as_bytes())], 1460);
    let mut scratch = Vec::new();
    let transaction = seen.http.transaction(0).unwrap();
    let field = transaction.buffer(Buffer::HttpRequestHeader, Side::ToServer, 0, &mut scratch).unwrap();
    assert_eq!(field.len(), "X: y".len() + 2 * 150_000);
    // The same without a name to fold to.
    let request = format!("GET / HTTP/1.1\r\ny\r\n{}\r\n", " a\n".repeat(150_000));
    read(&[(Side::ToServer, request.as_bytes())], 1460);
}

#[test]
fn a_refused_connect_goes_on_as_http() {
    let requests = b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let responses = b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n";
    for step in [1, 4096] {
        let seen = read(&[(Side::ToServer, requests), (Side::ToClient, responses)], step);
        assert_eq!((seen.http.ids(), seen.next), (0..2, None));
        assert_eq!(buffer(&seen, 1, Buffer::HttpMethod, Side::ToServer), "GET");
    }
}

/// Lines and bodies that browsers take, each with the same content.
#[test]
fn browsers_tolerance() {
    for response in [
        &b"HTTP/1.1 200 OK\nTransfer-Encoding : Chunked\n\n\n5\nhello\n\n 0\n\n"[..],
        b"\x00HTTP/1.1 200 OK\rTransfer-Encoding:\x0bchun\x00ked x\r\n\n 5\r\nhello\r\n0\r\n\r\n",
        b"junk\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\n \nhello",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 2xx OK\r\nContent-Length: 1\r\nContent-Length: 5\r\n\r\nhello",
        b"hello",
    ] {
        for step in [1, 4096] {
            let seen = read(&[(Side::ToServer, REQUEST), (Side::ToClient, response)], step);
            let body = buffer(&seen, 0, Buffer::FileData, Side::ToClient);
            assert_eq!(body, "hello", "{}", String::from_utf8_lossy(response));
        }
    }
}

#[test]
fn every_cut_gives_the_same() {
    let whole = dump(&read(&[(Side::ToServer, REQUEST), (Side::ToClient, CHUNKED)], 4096));
    for cut in 1..CHUNKED.len() {
        let (a, b) = CHUNKED.split_at(cut);
        let (c, d) = REQUEST.split_at(cut.min(REQUEST.len()));
        let turns = [(Side::ToServer, c), (Side::ToServer, d), (Side::ToClient, a), (Side::ToClient, b)];
        assert_eq!(dump(&read(&turns, 4096)), whole, "{cut}");
    }
}

/// Pieces of HTTP, in any order.
fn fragments() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        &b"GET / HTTP/1.1\r\n"[..],
        b"POST /x y\tHTTP/1.0\n",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 100 C\r\n\r\n",
        b"Content-Length: 4\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Encoding: gzip, deflate\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b" ",
        b"\t\n",
        b":",
        b"4\r\nabcd\r\n",
        b"0\r\n",
        b"\x1f\x8b\x08\0\0\0\0\0\0\x03",
        b"ab",
        b"\0",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn pieces_give_what_the_whole_gives(request in fragments(), response in fragments(), step in 1_usize..9) {
        let turns = [(Side::ToServer, request.as_slice()), (Side::ToClient, response.as_slice())];
        prop_assert_eq!(dump(&read(&turns, step)), dump(&read(&turns, usize::MAX)));
    }
}
