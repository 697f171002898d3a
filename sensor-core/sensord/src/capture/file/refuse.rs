//! Names for files that are no pcap and no pcapng.

use std::path::Path;

/// What a file is, from its first (decompressed) bytes.
pub(super) fn name(head: &[u8], path: &Path) -> String {
    if head.is_empty() {
        return "the file is empty".into();
    }
    if let Some((_, what)) = MAGICS.iter().find(|(magic, _)| head.starts_with(magic)) {
        return format!("it is {what}, not pcap or pcapng");
    }
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("erf")) {
        return "it is an Endace ERF capture by its name, not pcap or pcapng".into();
    }
    let text = head.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(head);
    if text.iter().all(|&b| matches!(b, b'\t' | b'\n' | b'\r' | b' '..=b'~' | 0x80..)) {
        let what = match text.trim_ascii_start() {
            [b'{' | b'[', ..] => "JSON",
            [b'<', ..] => "XML or HTML",
            _ => "text",
        };
        return format!("it is {what}, not pcap or pcapng");
    }
    let shown: Vec<String> = head.iter().take(4).map(|b| format!("{b:02x}")).collect();
    format!("it is not pcap or pcapng: it begins with {}", shown.join(" "))
}

const MAGICS: &[(&[u8], &str)] = &[
    (b"snoop\0\0\0", "a Solaris snoop capture"),
    (b"btsnoop\0", "a Bluetooth HCI snoop log"),
    (b"TRSNIFF data", "a Sniffer capture"),
    (b"XCP\0", "a NetXray or Sniffer Pro capture"),
    (b"RTSS", "a Network Monitor 1 capture"),
    (b"GMBU", "a Network Monitor 2 capture"),
    (b"\x1c\x00\x01\xab", "an Ixia lcap capture"),
    (b"\x1c\x00\x01\xac", "an Ixia lcap capture"),
    (b"\xab\x01\x00\x1c", "an Ixia lcap capture"),
    (b"\xac\x01\x00\x1c", "an Ixia lcap capture"),
    (b"\x0a\x0d\x0a", "a pcapng capture that a transfer in text mode damaged"),
    (b"\x0d\x0d\x0a", "a pcapng capture that a transfer in text mode damaged"),
    (b"\x0a\x0a", "a pcapng capture that a transfer in text mode damaged"),
    (b"\x1f\x8b", "compressed with gzip twice"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd twice"),
    (b"\xfd7zXZ\0", "compressed with xz (decompress it first)"),
    (b"BZh", "compressed with bzip2 (decompress it first)"),
    (b"\x04\x22\x4d\x18", "compressed with lz4 (decompress it first)"),
    (b"\x1f\x9d", "compressed with compress (decompress it first)"),
    (b"PK\x03\x04", "a ZIP archive (unpack it first)"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive (unpack it first)"),
    (b"Rar!", "a RAR archive (unpack it first)"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a PNG picture"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3", "an SQLite database"),
];
