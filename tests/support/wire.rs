//! A cable in a network namespace of its own, for tests of live capture. Needs root, iproute2, tcpreplay and tcpdump.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::expect_used, clippy::print_stderr, reason = "clippy allows them in the bodies of tests alone")]
#![allow(clippy::disallowed_methods, reason = "deadlines are of the wall clock")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{PATIENCE, sensord};

/// Two ends, `s0` to send at and `r0` to capture at. Nothing but what is sent is on it. Dropped, it is gone.
pub struct Cable {
    namespace: String,
    folder: tempfile::TempDir,
}

impl Cable {
    /// `None`, with a word, where rights, tools or the sensor are missing.
    pub fn lay(name: &str) -> Option<Cable> {
        sensord()?;
        for tool in ["ip", "tcpreplay", "tcpdump", "setpriv"] {
            if Command::new(tool).arg("--version").output().is_err() {
                return skipped(&format!("{tool} is not installed"));
            }
        }
        let namespace = format!("nightjar-{name}-{}", std::process::id());
        let made = Command::new("ip").args(["netns", "add", &namespace]).output().expect("ip runs");
        if !made.status.success() {
            return skipped(&format!("no network namespace: {}", String::from_utf8_lossy(&made.stderr)));
        }
        let cable = Cable { namespace, folder: tempfile::tempdir().expect("a folder") };
        fs::set_permissions(cable.folder.path(), Permissions::from_mode(0o755)).expect("the folder is ours");
        for setting in ["all", "default"] {
            // Else the kernel itself would say something on the cable.
            let name = format!("net.ipv6.conf.{setting}.disable_ipv6=1");
            let quiet = cable.inside("sysctl").args(["-qw", &name]).output().expect("ip runs");
            assert!(quiet.status.success() || !Path::new("/proc/sys/net/ipv6").exists(), "{quiet:?}");
        }
        cable.ip("link add s0 type veth peer name r0");
        for end in ["s0", "r0"] {
            cable.ip(&format!("link set {end} mtu 65535 arp off up"));
        }
        Some(cable)
    }

    /// Changes the namespace: `link del r0`.
    pub fn ip(&self, words: &str) {
        let done = Command::new("ip").args(["-n", &self.namespace]).args(words.split(' ')).output().expect("ip runs");
        assert!(done.status.success(), "ip {words}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// The sensor in the namespace, with these options for its captures.
    pub fn sensor(&self, options: &str) -> PathBuf {
        let named = self.path("sensord");
        symlink(sensord().expect("it is built"), &named).expect("the folder is ours");
        self.script(&format!("'{}'", named.display()), options)
    }

    /// A copy of the sensor, which nobody in particular runs, and what starts it.
    pub fn powerless_sensor(&self) -> (PathBuf, PathBuf) {
        let copy = self.path("sensord");
        fs::copy(sensord().expect("it is built"), &copy).expect("the folder is ours");
        let nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --";
        (self.script(&format!("{nobody} '{}'", copy.display()), ""), copy)
    }

    fn script(&self, program: &str, options: &str) -> PathBuf {
        let script = self.path("start");
        let text = format!(
            "#!/bin/sh\ncase $1 in serve) set -- \"$@\" {options} ;; esac\nexec ip netns exec {} {program} \"$@\"\n",
            self.namespace
        );
        fs::write(&script, text).expect("the folder is ours");
        fs::set_permissions(&script, Permissions::from_mode(0o755)).expect("it is ours");
        script
    }

    /// Sends a capture, and waits until all of it has reached the other end. Packets sent.
    pub fn send(&self, capture: &Path, options: &[&str]) -> u64 {
        let (sent, came) = (self.count("s0/statistics/tx_packets"), self.count("r0/statistics/rx_packets"));
        let done = self.inside("tcpreplay").args(["-i", "s0", "--topspeed"]).args(options).arg(capture).output();
        let done = done.expect("ip runs");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let sent = self.count("s0/statistics/tx_packets") - sent;
        let until = Instant::now() + PATIENCE;
        while self.count("r0/statistics/rx_packets") - came < sent {
            assert!(Instant::now() < until, "not all of {sent} packets came");
            thread::sleep(Duration::from_millis(5));
        }
        sent
    }

    /// Sends a signal to the sensor that captures.
    pub fn signal(&self, name: &str) {
        let program = self.path("sensord").to_string_lossy().into_owned();
        let of = |process: &fs::DirEntry| fs::read(process.path().join("cmdline")).unwrap_or_default();
        let captures = |process: &fs::DirEntry| {
            let arguments = String::from_utf8_lossy(&of(process)).into_owned();
            arguments.starts_with(&program) && arguments.contains("--interface=")
        };
        let processes = fs::read_dir("/proc").expect("Linux has it").filter_map(Result::ok).filter(captures);
        let numbers: Vec<_> = processes.map(|process| process.file_name()).collect();
        assert_eq!(numbers.len(), 1, "one sensor captures");
        assert!(Command::new("kill").arg(name).args(numbers).status().expect("kill runs").success());
    }

    fn count(&self, of: &str) -> u64 {
        let output = self.inside("cat").arg(format!("/sys/class/net/{of}")).output().expect("ip runs");
        String::from_utf8_lossy(&output.stdout).trim().parse().expect("a number")
    }

    fn inside(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace, program]);
        command
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        if Command::new("ip").args(["netns", "del", &self.namespace]).status().is_err() {
            eprintln!("{} stays behind", self.namespace);
        }
    }
}

fn skipped<T>(why: &str) -> Option<T> {
    eprintln!("skipped: {why}");
    None
}
