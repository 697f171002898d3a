use std::fs;

use super::{CaptureReader, read, read_path};

#[test]
fn what_is_no_capture_is_named() {
    let cases: &[(&[u8], &str)] = &[
        (b"", "the file is empty"),
        (b"snoop\0\0\0\0\0\0\x02", "a Solaris snoop capture"),
        (b"{\"event_type\":\"flow\"}\n", "JSON"),
        (b"  [1, 2]", "JSON"),
        (b"<?xml version=\"1.0\"?>", "XML or HTML"),
        ("Gr\u{fc}\u{df}e, a text".as_bytes(), "text"),
        (b"BZh91AY&SY", "bzip2 (decompress it first)"),
        (b"\xfd7zXZ\0\0\0", "xz (decompress it first)"),
        (b"PK\x03\x04....", "a ZIP archive (unpack it first)"),
        (b"\x7fELF\x02\x01", "a program"),
        (b"\x0a\x0d\x0a\x5c\x00\x00\x00", "a pcapng capture that a transfer in text mode damaged"),
        (b"\x00\x01\x02\x03\x04", "it begins with 00 01 02 03"),
        (b"\x1f", "it begins with 1f"),
    ];
    for (bytes, what) in cases {
        let error = read(bytes).error();
        assert!(error.starts_with("not a capture that can be read: ") && error.contains(what), "{what}: {error}");
        assert!(error.ends_with("(at byte 0 of the file)"), "{error}");
    }
}

#[test]
fn an_erf_capture_is_told_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("link.ERF");
    fs::write(&path, [0, 1, 2, 3, 4, 5, 6, 7]).unwrap();
    assert!(read_path(&path).error().contains("Endace ERF"));
}

#[test]
fn missing_files_and_directories_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let error = CaptureReader::open(folder.path()).unwrap_err().to_string();
    assert_eq!(error, format!("{}: cannot be opened: it is a directory", folder.path().display()));

    let path = folder.path().join("gone.pcap");
    let error = CaptureReader::open(&path).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{}: cannot be opened: ", path.display())), "{error}");
}

#[cfg(unix)]
#[test]
fn a_file_without_permission_is_refused_by_the_system() {
    use std::os::unix::fs::PermissionsExt;

    let file = tempfile::NamedTempFile::new().unwrap();
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(file.path()).is_ok() {
        println!("skipped: this user may read every file");
        return;
    }
    let error = CaptureReader::open(file.path()).unwrap_err().to_string();
    assert!(error.contains("cannot be opened: ") && error.to_lowercase().contains("permission"), "{error}");
}
