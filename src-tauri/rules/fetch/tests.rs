//! Against a server on loopback that answers each request as the test says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::*;

const RULES: &[u8] = b"alert udp any any -> any any (msg:\"one\"; sid:1;)\n";

/// A server; the heads of the requests it got are kept.
struct Server {
    address: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Answers each request by its path with all bytes of a response.
    fn start(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> Server {
        Server::with(move |stream, heads| serve(stream, heads, &answer), "http")
    }

    fn with(serve: impl Fn(TcpStream, &Mutex<Vec<String>>) + Send + 'static, scheme: &str) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("{scheme}://localhost:{}", listener.local_addr().unwrap().port());
        let heads = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&heads);
        // Ends with the test's process.
        thread::spawn(move || listener.incoming().flatten().for_each(|stream| serve(stream, &kept)));
        Server { address, heads }
    }

    fn fetch(&self, path: &str, known: Option<&RuleKept>) -> Result<Fetched, AppError> {
        fetch(&format!("{}{path}", self.address), known, &Trust::System, |_, _| true)
    }

    /// Why a fetch of this path fails.
    fn fault(&self, path: &str) -> String {
        let AppError::RulesFetch(why) = self.fetch(path, None).unwrap_err() else { panic!("another error") };
        assert!(why.starts_with(&format!("{}{path}: ", self.address)), "{why}");
        why
    }

    fn paths(&self) -> Vec<String> {
        let heads = self.heads.lock().unwrap();
        heads.iter().filter_map(|head| Some(head.split(' ').nth(1)?.to_owned())).collect()
    }
}

fn serve(mut stream: TcpStream, heads: &Mutex<Vec<String>>, answer: &impl Fn(&str) -> Vec<u8>) {
    let head = head(&mut stream);
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    heads.lock().unwrap().push(head);
    // Who asked may have seen enough.
    drop(stream.write_all(&answer(&path)));
}

fn head(stream: &mut impl Read) -> String {
    let mut lines = BufReader::with_capacity(1, stream).lines();
    let mut head = String::new();
    while let Some(Ok(line)) = lines.next()
        && !line.is_empty()
    {
        head.push_str(&line);
        head.push('\n');
    }
    head
}

fn response(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 {status} Word\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn missing() -> Vec<u8> {
    response(404, "", b"none")
}

#[test]
fn a_file_comes_with_its_sum_and_is_not_fetched_again_while_the_sum_is_the_same() {
    let sum = hex(&Md5::digest(RULES));
    let text = format!("{}  a.rules\n", sum.to_uppercase());
    let server = Server::start(move |path| match path {
        "/a.rules.md5?code=1" => response(200, "", text.as_bytes()),
        "/a.rules?code=1" => response(200, "", RULES),
        _ => missing(),
    });
    let Fetched::New(bytes, kept) = server.fetch("/a.rules?code=1", None).unwrap() else { panic!("nothing new") };
    assert_eq!((bytes.as_slice(), kept.bytes, kept.verified), (RULES, RULES.len() as u64, true));
    assert_eq!(kept.md5, sum);
    assert_eq!(server.fetch("/a.rules?code=1", Some(&kept)), Ok(Fetched::Unchanged));
    assert_eq!(server.paths(), ["/a.rules.md5?code=1", "/a.rules?code=1", "/a.rules.md5?code=1"]);
    assert!(server.heads.lock().unwrap()[0].contains("Nightjar/"));
}

#[test]
fn a_file_whose_sum_is_another_is_not_used() {
    let server = Server::start(|path| match path {
        "/a.rules" => response(200, "", RULES),
        _ => response(200, "", b"00000000000000000000000000000000\n"),
    });
    assert!(server.fault("/a.rules").contains("00000000000000000000000000000000"));
}

#[test]
fn without_a_sum_the_servers_own_name_for_the_state_says_whether_it_is_newer() {
    let server = Server::start(|path| match path {
        "/new" => response(200, "ETag: \"v2\"\r\n", RULES),
        "/same" => response(304, "", b""),
        // What stands in place of a missing file is no sum.
        _ => response(200, "", b"<html>not found</html>"),
    });
    let Fetched::New(_, kept) = server.fetch("/new", None).unwrap() else { panic!("nothing new") };
    assert_eq!((kept.etag.as_str(), kept.verified), ("\"v2\"", false));
    assert_eq!(server.fetch("/same", Some(&kept)), Ok(Fetched::Unchanged));
    let heads = server.heads.lock().unwrap();
    assert!(heads.last().unwrap().to_lowercase().contains("if-none-match: \"v2\""), "{heads:?}");
}

#[test]
fn faults_are_told_in_words() {
    let server = Server::start(|path| match path {
        "/secret" => response(403, "", b""),
        "/fault" => response(503, "", b""),
        "/page" => response(200, "", b"\n<!doctype html>"),
        "/empty" => response(200, "", b" \n"),
        "/zip" => response(200, "", b"PK\x03\x04"),
        "/cut" => b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\nConnection: close\r\n\r\nalert".to_vec(),
        "/round" => response(302, "Location: /round\r\n", b""),
        _ => missing(),
    });
    for (path, word) in [
        ("/none", "no such file (HTTP 404)"),
        ("/secret", "(HTTP 403)"),
        ("/fault", "(HTTP 503)"),
        ("/page", "a web page"),
        ("/empty", "nothing"),
        ("/zip", "ZIP"),
        ("/cut", "broke"),
        ("/round", "redirect"),
    ] {
        let why = server.fault(path);
        assert!(why.contains(word), "{path}: {why}");
    }
    // A port on which nobody listens.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = fetch(&format!("http://{closed}/a"), None, &Trust::System, |_, _| true).unwrap_err();
    assert!(error.detail().contains("no connection"), "{error:?}");
}

#[test]
fn more_than_the_most_bytes_are_not_read_whether_they_are_announced_or_not() {
    let announced = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", MOST_BYTES + 1).into_bytes();
    let server = Server::with(
        move |mut stream, heads| {
            let head = head(&mut stream);
            let path = head.split(' ').nth(1).unwrap().to_owned();
            heads.lock().unwrap().push(head);
            match path.as_str() {
                "/announced" => drop(stream.write_all(&announced)),
                "/endless" => {
                    let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
                    while sent.is_ok() {
                        sent = stream.write_all(&[b'#'; 1 << 16]);
                    }
                }
                _ => drop(stream.write_all(&missing())),
            }
        },
        "http",
    );
    assert!(server.fault("/announced").contains("more than 64 MiB"));
    assert!(server.fault("/endless").contains("more than 64 MiB"));
    // It ends as soon as it is to.
    let mut last = 0;
    let stopped = fetch(&format!("{}/endless", server.address), None, &Trust::System, |bytes, of| {
        last = bytes;
        assert_eq!(of, None);
        bytes < 1 << 20
    });
    assert!(stopped.unwrap_err().detail().ends_with("it was stopped"));
    assert!((1 << 20..2 << 20).contains(&last), "{last}");
}

#[test]
fn a_server_has_to_be_who_it_says_and_leads_nobody_out_of_encryption() {
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = signed.cert.der().clone();
    let key = rustls::pki_types::PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![certificate.clone()], key).unwrap();
    let config = Arc::new(config);
    let server = Server::with(
        move |mut stream, heads| {
            let mut connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = rustls::Stream::new(&mut connection, &mut stream);
            let head = head(&mut stream);
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            heads.lock().unwrap().push(head);
            let answer = match path.as_str() {
                "/a.rules" => response(200, "", RULES),
                "/out" => response(302, "Location: http://localhost:1/a.rules\r\n", b""),
                _ => missing(),
            };
            // Who does not trust it has gone.
            drop(stream.write_all(&answer).and_then(|()| stream.flush()));
            stream.conn.send_close_notify();
            drop(stream.flush());
        },
        "https",
    );
    let why = server.fault("/a.rules");
    assert!(why.to_lowercase().contains("certificate"), "{why}");
    assert!(server.paths().is_empty(), "nothing was asked of it");

    let trust = Trust::Only(certificate.to_vec());
    let get = |path: &str| fetch(&format!("{}{path}", server.address), None, &trust, |_, _| true);
    assert!(matches!(get("/a.rules"), Ok(Fetched::New(bytes, _)) if bytes == RULES));
    let out = get("/out").unwrap_err();
    assert!(out.detail().contains("without encryption"), "{out:?}");
}
