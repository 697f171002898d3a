//! Transforms on what Suricata's documentation shows, and on what nobody would send by accident.

use std::io::Write;

use super::*;

fn transformed(options: &str, data: &[u8]) -> Vec<u8> {
    let rule = rule(&format!("http.header; {options} content:\"a\";"));
    let transforms = Transforms::new(&rule.buffers[0].transforms).unwrap();
    transforms.apply(data, &[0; MAX_VARIABLES], &mut Work::default()).to_vec()
}

#[track_caller]
fn gives(options: &str, data: &[u8], expected: &[u8]) {
    let result = transformed(options, data);
    assert_eq!(result, expected, "{options}: {:?}", String::from_utf8_lossy(&result));
}

#[test]
fn text_is_changed() {
    gives("to_lowercase;", b"AbC-\xc4", b"abc-\xc4");
    gives("to_uppercase;", b"aBc-\xe4", b"ABC-\xe4");
    gives("strip_whitespace;", b" a\tb\r\n\x0bc ", b"abc");
    gives("compress_whitespace;", b"a  b\t\t c", b"a b\tc");
    gives("dotprefix;", b"hello.google.com", b".hello.google.com");
    gives("dotprefix;", b"", b".");
    gives("header_lowercase;", b"Host: A\r\nX-Y: B\r\n", b"host: A\r\nx-y: B\r\n");
    gives("strip_pseudo_headers;", b":method: GET\r\nhost: a\r\n:path: /\r\n", b"host: a\r\n");
    gives("url_decode;", b"a+b%20c%2fd%zz%4", b"a b c/d%zz%4");
    gives("url_decode;", b"%", b"%");
}

#[test]
fn names_are_taken_apart() {
    gives("domain;", b"www.example.co.uk", b"example.co.uk");
    gives("domain;", b"hello.google.com", b"google.com");
    gives("tld;", b"www.example.co.uk", b"co.uk");
    gives("tld;", b"example.com", b"com");
    gives("domain;", b"", b"");
}

#[test]
fn hashes_are_bytes() {
    gives("to_md5;", b"", b"\xd4\x1d\x8c\xd9\x8f\x00\xb2\x04\xe9\x80\x09\x98\xec\xf8\x42\x7e");
    assert_eq!(transformed("to_sha1;", b"abc")[..4], [0xa9, 0x99, 0x3e, 0x36]);
    assert_eq!(transformed("to_sha256;", b"abc")[..4], [0xba, 0x78, 0x16, 0xbf]);
    assert_eq!((transformed("to_sha1;", b"").len(), transformed("to_sha256;", b"").len()), (20, 32));
}

#[test]
fn keys_are_taken_off() {
    gives("xor:\"0d0ac8ff\";", b"\x6c\x68\xab\x9b\x68", b"abcde");
    // The key stands in the data itself.
    gives("xor:offset 2, extract 2 0;", b"\x01\x02\x60\x60\x62", b"\x01\x02abc");
    gives("xor:offset 2, extract 2 90;", b"abcd", b"abcd");
}

#[test]
fn groups_stand_for_the_whole() {
    gives("pcrexform:\"[a-zA-Z]+\\s+(.*)\\s+HTTP\";", b"GET /dropper.php HTTP/1.1", b"/dropper.php");
    gives("pcrexform:\"(no)\";", b"other", b"other");
}

#[test]
fn base64_is_decoded_by_its_mode() {
    gives("from_base64:offset 6, mode rfc2045;", b"/?arg=Zm 9v Ym Fy", b"foobar");
    gives("from_base64:offset 6, mode strict;", b"/?arg=Zm 9v Ym Fy", b"/?arg=Zm 9v Ym Fy");
    gives("from_base64:offset 6, mode rfc4648;", b"/?arg=Zm 9v Ym Fy", b"f");
    gives("from_base64;", b"Zm9vYmFy", b"foobar");
    gives("from_base64:bytes 4;", b"Zm9vYmFy", b"foo");
    gives("from_base64:mode strict;", b"Zm9vYg==", b"foob");
    gives("from_base64:mode strict;", b"Zm9vYg=", b"Zm9vYg=");
    gives("from_base64;", b"!!", b"!!");
}

#[test]
fn compressed_data_is_bounded() {
    let zeros = vec![0; 5000];
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&zeros).unwrap();
    let gzip = gzip.finish().unwrap();
    assert_eq!(transformed("gunzip;", &gzip).len(), 1024);
    assert_eq!(transformed("gunzip:max-size 3000;", &gzip).len(), 3000);
    assert_eq!(transformed("gunzip:max-size 10000;", &gzip), zeros);
    assert_eq!(transformed("gunzip;", b"no gzip"), b"");
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    zlib.write_all(b"Hello").unwrap();
    gives("zlib_deflate;", &zlib.finish().unwrap(), b"Hello");
}

#[test]
fn transforms_follow_each_other_and_are_bounded() {
    gives("strip_whitespace; to_lowercase; dotprefix;", b"A b", b".ab");
    gives("url_decode; from_base64;", b"Zm9v%59mFy", b"foobar");
    assert_eq!(transformed("dotprefix;", &vec![b'a'; (1 << 20) + 5]).len(), (1 << 20) + 1);
}
