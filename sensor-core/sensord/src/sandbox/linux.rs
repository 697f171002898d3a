//! Linux: no new privileges, and a Landlock domain that grants nothing: files from kernel 5.13 on, TCP from 6.7, signals and
//! abstract sockets outside the process from 6.12.

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, RestrictionStatus, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};

use super::{Kept, SandboxStatus};

/// The newest set of rights that is asked for; an older kernel takes what it knows of it.
const RIGHTS: ABI = ABI::V6;

pub(super) fn enter(kept: &Kept) -> SandboxStatus {
    match restrict(kept) {
        Ok(status) => judge(status.ruleset, status.no_new_privs),
        Err(error) => SandboxStatus::NotAvailable(format!("Landlock refused: {error}")),
    }
}

/// A domain that handles every right and grants none of them but those over what is kept. Accepting a connection is no
/// right of Landlock's: it comes with the socket that listens.
fn restrict(kept: &Kept) -> Result<RestrictionStatus, RulesetError> {
    Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(RIGHTS))?
        .handle_access(AccessNet::from_all(RIGHTS))?
        .scope(Scope::from_all(RIGHTS))?
        .create()?
        .add_rules(path_beneath_rules(&kept.reading, AccessFs::ReadFile | AccessFs::ReadDir))?
        .add_rules(path_beneath_rules(&kept.state, state_rights()))?
        .restrict_self()
}

/// To replace a file is to make one beside it and to rename it; `Truncate` is there for the lock's file.
fn state_rights() -> BitFlags<AccessFs> {
    AccessFs::ReadFile
        | AccessFs::ReadDir
        | AccessFs::WriteFile
        | AccessFs::MakeReg
        | AccessFs::RemoveFile
        | AccessFs::Truncate
}

fn judge(ruleset: RulesetStatus, no_new_privs: bool) -> SandboxStatus {
    match ruleset {
        RulesetStatus::FullyEnforced if no_new_privs => SandboxStatus::Enforced,
        RulesetStatus::FullyEnforced => SandboxStatus::Partly("new privileges could not be given up".into()),
        RulesetStatus::PartiallyEnforced => {
            SandboxStatus::Partly("this kernel's Landlock is older than what the sensor asks for".into())
        }
        RulesetStatus::NotEnforced => {
            let rest = if no_new_privs { "; new privileges are given up" } else { "" };
            SandboxStatus::NotAvailable(format!("this kernel has no Landlock{rest}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io::Read;
    use std::net::{TcpListener, TcpStream};
    use std::thread;

    use super::*;

    /// On a thread of its own: the restriction holds for the thread and is never lifted.
    #[test]
    fn what_is_open_stays_and_nothing_else_opens() {
        thread::spawn(|| {
            let file = tempfile::NamedTempFile::new().unwrap();
            fs::write(file.path(), b"capture").unwrap();
            let mut open = File::open(file.path()).unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let status = enter(&Kept::default());
            let mut content = String::new();
            open.read_to_string(&mut content).unwrap();
            assert_eq!(content, "capture");
            match status {
                SandboxStatus::Enforced => {
                    assert!(File::open(file.path()).is_err());
                    assert!(File::create(file.path().with_extension("new")).is_err());
                    assert!(fs::read_dir("/").is_err());
                    assert!(TcpStream::connect(address).is_err());
                    assert!(TcpListener::bind("127.0.0.1:0").is_err());
                }
                SandboxStatus::Partly(_) => assert!(File::open(file.path()).is_err()),
                SandboxStatus::NotAvailable(why) => {
                    println!("not tested further: {why}");
                    assert!(File::open(file.path()).is_ok(), "it says it confines nothing");
                }
            }
            // A child that wanted more rights by a set-user-id file would not get them.
            let no_new_privs = File::open("/proc/thread-self/status").map(|mut file| {
                let mut text = String::new();
                file.read_to_string(&mut text).unwrap();
                text.lines().any(|line| line.split_whitespace().eq(["NoNewPrivs:", "1"]))
            });
            assert!(no_new_privs.unwrap_or(true));
        })
        .join()
        .unwrap();
    }

    /// A log of events goes on in its folder: segments begin, are read, and give way.
    #[test]
    fn the_folder_of_events_can_be_written_and_no_other() {
        use crate::store::events::{EventLog, Events, Reader, Settings};
        thread::spawn(|| {
            let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let status = enter(&Kept { state: Some(folder.path().into()), ..Kept::default() });
            let settings = Settings { segment: 4096, total: 16_384 };
            let (mut log, damage) = EventLog::open(folder.path(), settings).unwrap();
            assert_eq!(damage, []);
            for seq in 1..=100 {
                log.append(0, 1, &[7; 1000]).unwrap();
                assert_eq!(log.flush().unwrap(), seq);
            }
            let part = Reader::of(&log, 0).read(usize::MAX).unwrap();
            assert!(part.first_available > 80 && part.caught_up, "{part:?}");
            assert!(part.events.last().is_some_and(|event| event.seq == 100));
            assert_eq!(Events::disk(&log).refused(), (0, String::new()));
            if let SandboxStatus::NotAvailable(why) = status {
                println!("not tested further: {why}");
            } else {
                assert!(File::create(other.path().join("new")).is_err());
                assert!(fs::create_dir(folder.path().join("new")).is_err());
            }
        })
        .join()
        .unwrap();
    }

    #[test]
    fn what_is_kept_can_be_replaced_and_viewers_come_in() {
        use crate::state::{StateFolder, TokenLine};

        thread::spawn(|| {
            let around = tempfile::tempdir().unwrap();
            let state = StateFolder::open(&around.path().join("state"), None).unwrap();
            let token = sensor_link::Token::generate().unwrap().digest();
            let line = TokenLine {
                digest: token,
                until: u64::MAX,
                used: false,
                rights: "watch".parse().unwrap(),
                name: "a".into(),
            };
            state.add_token(line).unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let (go, wait) = std::sync::mpsc::sync_channel(1);
            // Outside of the domain: it was there before.
            let viewer = thread::spawn(move || wait.recv().ok().and_then(|()| TcpStream::connect(address).ok()));
            let status = super::super::enter(&Kept { state: Some(state.path().into()), ..Kept::default() });
            let key = sensor_link::KeyPair::generate().unwrap().public();
            state.redeem(&token, key).unwrap();
            assert_eq!(state.viewers().unwrap().accepted().count(), 1);
            go.send(()).unwrap();
            listener.accept().unwrap();
            assert!(viewer.join().unwrap().is_some());
            if let SandboxStatus::Partly(words) = status {
                assert!(words.contains("state folder"), "{words}");
                assert!(File::create(around.path().join("outside")).is_err());
                assert!(fs::create_dir(state.path().join("folder")).is_err());
                assert!(std::os::unix::fs::symlink("/", state.path().join("link")).is_err());
            }
        })
        .join()
        .unwrap();
    }

    #[test]
    fn each_outcome_is_named() {
        assert_eq!(judge(RulesetStatus::FullyEnforced, true), SandboxStatus::Enforced);
        assert!(matches!(judge(RulesetStatus::FullyEnforced, false), SandboxStatus::Partly(_)));
        assert!(matches!(judge(RulesetStatus::PartiallyEnforced, true), SandboxStatus::Partly(_)));
        assert!(matches!(judge(RulesetStatus::NotEnforced, true), SandboxStatus::NotAvailable(_)));
    }
}
