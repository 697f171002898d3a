use std::io::Write as _;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use proptest::prelude::*;

use super::*;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn decode(codings: &[Coding], bytes: &[u8], step: usize) -> (Vec<u8>, bool) {
    let mut decoder = Decoder::new(codings, 1 << 20);
    let mut out = Vec::new();
    for piece in bytes.chunks(step) {
        decoder.data(piece, &mut |bytes| out.extend_from_slice(bytes));
    }
    decoder.end(&mut |bytes| out.extend_from_slice(bytes));
    (out, decoder.has_failed())
}

#[test]
fn layers_are_undone_in_reverse() {
    let text = b"one two three two one";
    use Coding::{Deflate, Gzip};
    for step in [1, 3, 1000] {
        assert_eq!(decode(&[Gzip], &gzip(text), step), (text.to_vec(), false));
        assert_eq!(decode(&[Deflate], &zlib(text), step), (text.to_vec(), false));
        assert_eq!(decode(&[Deflate], &deflate(text), step), (text.to_vec(), false));
        assert_eq!(decode(&[Deflate, Gzip], &gzip(&deflate(text)), step), (text.to_vec(), false));
        assert_eq!(decode(&[Gzip, Deflate, Gzip], &gzip(&zlib(&gzip(text))), step), (text.to_vec(), false));
        let two = [gzip(text), gzip(b"!"), b"junk".to_vec()].concat();
        assert_eq!(decode(&[Gzip], &two, step), ([&text[..], b"!"].concat(), false));
    }
}

/// `"hello hello hello hello"`, as `brotli` writes it with a window of 22 bits.
#[test]
fn brotli_is_undone() {
    // RFC 7932 section 9.2: an uncompressed meta-block between the stream's header and the last, empty one.
    let mut stream = vec![0x0b_u8, 0x02, 0x80];
    stream.extend(b"hello");
    stream.push(3);
    assert_eq!(decode(&[Coding::Brotli], &stream, 1), (b"hello".to_vec(), false));
}

#[test]
fn what_is_not_coded_is_passed_on() {
    let text = br#"{"key": "a value", "other": [1, 2, 3]} and so on"#;
    for codings in [&[Coding::Gzip][..], &[Coding::Deflate], &[Coding::Gzip, Coding::Deflate]] {
        for step in [1, 7, 100] {
            assert_eq!(decode(codings, text, step), (text.to_vec(), true), "{codings:?}");
        }
    }
    // A layer that is only claimed lets the one that is there through.
    assert_eq!(decode(&[Coding::Deflate, Coding::Gzip], &deflate(text), 5).0, text);
}

#[test]
fn a_bomb_is_stopped() {
    let bomb = gzip(&gzip(&vec![0; 64 << 20]));
    let mut decoder = Decoder::new(&[Coding::Gzip, Coding::Gzip], 1 << 20);
    let mut len = 0;
    decoder.data(&bomb, &mut |bytes| len += bytes.len());
    assert!(decoder.is_bomb() && len < 64 << 20, "{len}");
}

proptest! {
    #[test]
    fn nothing_makes_it_fall(bytes: Vec<u8>, step in 1_usize..40, which in 0_usize..3) {
        let coding = [Coding::Gzip, Coding::Deflate, Coding::Brotli][which];
        let whole = decode(&[coding], &bytes, usize::MAX);
        prop_assert_eq!(decode(&[coding], &bytes, step), whole);
    }

    #[test]
    fn pieces_give_what_the_whole_gives(bytes: Vec<u8>, step in 1_usize..40, cut in 0_usize..50) {
        let mut coded = gzip(&bytes);
        coded.truncate(coded.len().saturating_sub(cut));
        let whole = decode(&[Coding::Gzip], &coded, usize::MAX);
        prop_assert_eq!(decode(&[Coding::Gzip], &coded, step), whole);
    }
}
