use sensor_link::Token;

use super::*;

fn folder() -> (tempfile::TempDir, StateFolder) {
    let around = tempfile::tempdir().unwrap();
    let state = StateFolder::open(&around.path().join("state"), None).unwrap();
    (around, state)
}

fn token(until: u64) -> TokenLine {
    let digest = Token::generate().unwrap().digest();
    TokenLine { digest, until, used: false, rights: Rights::WATCH | Rights::PACKETS, name: "desk".into() }
}

#[test]
fn a_key_is_made_once() {
    let (_around, state) = folder();
    let keys = state.keys().unwrap();
    assert_eq!(state.keys().unwrap().public(), keys.public());
    assert!(matches!(state.new_keys(), Err(StateError::Key(KeyFileError::Exists { .. }))));
}

#[test]
fn a_redeemed_token_puts_its_viewer_on_the_list_and_is_used_up_on_disk() {
    let (around, state) = folder();
    let line = token(now() + 60);
    state.add_token(line.clone()).unwrap();
    let before = state.stamp();
    let key = KeyPair::generate().unwrap().public();
    let viewer = state.redeem(&line.digest, key).unwrap();
    assert_eq!((viewer.name.as_str(), viewer.rights), ("desk", line.rights));
    assert_ne!(state.stamp(), before);
    // Another process, or this one after a restart.
    let again = StateFolder::open(&around.path().join("state"), None).unwrap();
    assert_eq!(again.viewers().unwrap().find(&key), Known::Accepted(&viewer));
    let error = again.redeem(&line.digest, KeyPair::generate().unwrap().public()).unwrap_err();
    assert!(matches!(error, StateError::Token(TokenRefused::Used)), "{error}");
}

#[test]
fn two_that_come_with_one_token_are_let_in_once() {
    let (_around, state) = folder();
    let line = token(now() + 60);
    state.add_token(line.clone()).unwrap();
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let (state, digest) = (state.clone(), line.digest);
            std::thread::spawn(move || state.redeem(&digest, KeyPair::generate().unwrap().public()).is_ok())
        })
        .collect();
    assert_eq!(threads.into_iter().filter_map(|thread| thread.join().ok()).filter(|ok| *ok).count(), 1);
    assert_eq!(state.viewers().unwrap().accepted().count(), 1);
}

#[test]
fn tokens_are_kept_as_digests() {
    let (_around, state) = folder();
    let token = Token::from_bytes([0x5a; 32]);
    let line = TokenLine { digest: token.digest(), ..self::token(now() + 60) };
    state.add_token(line).unwrap();
    assert!(!fs::read_to_string(state.path().join("tokens")).unwrap().contains("5a5a5a5a"));
}

#[test]
fn a_file_that_is_far_too_large_is_not_read() {
    let (_around, state) = folder();
    fs::write(state.path().join("viewers"), vec![b'\n'; MAX_FILE as usize + 1]).unwrap();
    assert!(matches!(state.viewers(), Err(StateError::TooLarge { .. })));
}

#[test]
fn times_are_utc() {
    assert_eq!(time_text(1_764_606_000), "2025-12-01T16:20:00Z");
}

#[cfg(unix)]
#[test]
fn only_its_owner_looks_into_it() {
    use std::os::unix::fs::PermissionsExt;

    let (_around, state) = folder();
    state.keys().unwrap();
    state.add_token(token(now() + 60)).unwrap();
    state.redeem(&token(0).digest, KeyPair::generate().unwrap().public()).unwrap_err();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(state.path()), 0o700);
    for name in ["key", "tokens"] {
        assert_eq!(mode(&state.path().join(name)), 0o600, "{name}");
    }
    fs::set_permissions(state.path(), fs::Permissions::from_mode(0o750)).unwrap();
    let error = StateFolder::open(state.path(), None).unwrap_err();
    assert!(matches!(error, StateError::Open { mode: 0o750, .. }), "{error}");
    fs::set_permissions(state.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let other = nix::unistd::geteuid().as_raw() + 1;
    let error = StateFolder::open(state.path(), Some((other, other))).unwrap_err();
    assert!(matches!(error, StateError::Owner { user, .. } if user == other), "{error}");
}

/// What root does in another user's folder is that user's.
#[cfg(unix)]
#[test]
fn files_that_root_makes_belong_to_the_owner_of_the_folder() {
    use std::os::unix::fs::MetadataExt;

    if !nix::unistd::geteuid().is_root() {
        println!("skipped: not root");
        return;
    }
    let around = tempfile::tempdir().unwrap();
    let state = StateFolder::open(&around.path().join("state"), Some((12_345, 12_346))).unwrap();
    state.keys().unwrap();
    state.add_token(token(now() + 60)).unwrap();
    for name in ["", "key", "tokens", "lock"] {
        let about = fs::metadata(state.path().join(name)).unwrap();
        assert_eq!((about.uid(), about.gid()), (12_345, 12_346), "{name}");
    }
}
