//! `sensord keygen`, `pair` and `viewers`: who the sensor is, and who may look.

use std::io::{self, IsTerminal, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};
use sensor_link::{Address, PairingString, PublicKey, Token};

use crate::state::{Rights, StateFolder, TokenLine, Viewer, now, time_text};

#[derive(Debug, Args)]
pub(super) struct State {
    /// The sensor's state folder, as given to `sensord run` or `serve`; made where there is none.
    #[arg(long = "state", value_name = "FOLDER")]
    folder: PathBuf,
}

impl State {
    fn open(&self) -> Result<StateFolder> {
        StateFolder::open(&self.folder, None).context("--state")
    }
}

#[derive(Debug, Args)]
pub(super) struct Keygen {
    #[command(flatten)]
    state: State,
}

/// Prints the public key, and its words on standard error.
pub(super) fn keygen(args: &Keygen) -> Result<u8> {
    let key = args.state.open()?.keys()?.public();
    written(writeln!(io::stdout(), "{key}"))?;
    super::say(format_args!("the key in words: {}", key.fingerprint()));
    Ok(0)
}

#[derive(Debug, Args)]
pub(super) struct Pair {
    #[command(flatten)]
    state: State,
    /// For how long the invitation is good: a number with s, m, h or d behind it, 7d at most.
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = seconds)]
    expires: u64,
    /// What the viewer is called on the list.
    #[arg(long, default_value = "viewer")]
    name: String,
    /// What it may do, with commas between: watch (rows, flows, hosts, rules), packets (what packets hold), act (stop the
    /// sensor, give it other rules).
    #[arg(long, value_name = "RIGHTS", default_value = "watch,packets")]
    rights: Rights,
    /// Where the viewer reaches this sensor; unless given, where it listens.
    #[arg(long, value_name = "HOST:PORT")]
    address: Option<Address>,
    /// Print the QR code too when standard output is no terminal.
    #[arg(long)]
    qr: bool,
}

/// Prints the pairing string, and on a terminal the same as a QR code.
pub(super) fn pair(args: &Pair) -> Result<u8> {
    let state = args.state.open()?;
    let address = match &args.address {
        Some(address) => address.clone(),
        None => {
            reachable(&state.listening()?).context("where is this sensor reached? say it with --address HOST:PORT")?
        }
    };
    let key = state.keys()?.public();
    let token = Token::generate()?;
    let until = now().saturating_add(args.expires);
    let line = TokenLine { digest: token.digest(), until, used: false, rights: args.rights, name: args.name.clone() };
    state.add_token(line)?;
    let text = PairingString { address, key, token: Some(token) }.to_string();
    let mut out = io::stdout().lock();
    let code = (args.qr || out.is_terminal()).then(|| draw(&text)).transpose()?;
    written(writeln!(out, "{text}").and_then(|()| code.map_or(Ok(()), |code| writeln!(out, "{code}"))))?;
    super::say(format_args!("good once, until {}; whoever has it may {}", time_text(until), args.rights));
    super::say(format_args!("the sensor's key in words: {}", key.fingerprint()));
    Ok(0)
}

/// Half blocks, light on dark as most terminals are; readers take both.
fn draw(text: &str) -> Result<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).context("no QR code could be made")?;
    Ok(code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build())
}

/// An address under which others reach what listens on one of `listening`.
fn reachable(listening: &[SocketAddr]) -> Option<Address> {
    let any = |address: &&SocketAddr| address.ip().is_unspecified();
    // Loopback is right only where there is nothing else.
    let own = listening.iter().find(|address| !any(address) && !address.ip().is_loopback());
    let address = own.copied().or_else(|| {
        let open = listening.iter().find(any)?;
        Some(SocketAddr::new(outward(open.is_ipv6())?, open.port()))
    });
    address.or_else(|| listening.first().filter(|address| !any(address)).copied()).map(Address::from)
}

/// The address of this machine towards elsewhere. A datagram socket that is connected sends nothing.
fn outward(six: bool) -> Option<IpAddr> {
    let (from, to): (IpAddr, IpAddr) = if six {
        (Ipv6Addr::UNSPECIFIED.into(), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into())
    } else {
        (Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::new(192, 0, 2, 1).into())
    };
    let socket = UdpSocket::bind((from, 0)).ok()?;
    socket.connect((to, 9)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

#[derive(Debug, Args)]
pub(super) struct Viewers {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Those who may look: key, rights, since when, name, and the key in words.
    List {
        #[command(flatten)]
        state: State,
    },
    /// Put a viewer on the list by its key, or give it other rights.
    Add {
        #[command(flatten)]
        state: State,
        /// Its public key, 64 hexadecimal digits.
        key: PublicKey,
        /// What it is called.
        #[arg(long, default_value = "viewer")]
        name: String,
        /// What it may do: watch, packets, act, with commas between.
        #[arg(long, value_name = "RIGHTS", default_value = "watch,packets")]
        rights: Rights,
    },
    /// Take a viewer off the list; a session of it ends at once.
    Revoke {
        #[command(flatten)]
        state: State,
        /// Its key, or its name: then all of that name.
        viewer: String,
    },
}

/// Shows or changes the list; the exit code is 2 where there is nobody to take away.
pub(super) fn viewers(args: &Viewers) -> Result<u8> {
    match &args.what {
        What::List { state } => {
            let viewers = state.open()?.viewers()?;
            let mut out = io::stdout().lock();
            written(viewers.accepted().try_for_each(|Viewer { key, rights, added, name }| {
                writeln!(out, "{key} {rights:<17} {added} {name}\n    {}", key.fingerprint())
            }))?;
        }
        What::Add { state, key, name, rights } => {
            let viewer = Viewer { key: *key, rights: *rights, added: time_text(now()), name: name.clone() };
            state.open()?.change_viewers(|viewers| viewers.put(viewer))?;
        }
        What::Revoke { state, viewer } => {
            let key = viewer.parse::<PublicKey>().ok();
            let chosen = |listed: &Viewer| key.map_or(listed.name == *viewer, |key| listed.key == key);
            let gone = state.open()?.change_viewers(|viewers| Ok(viewers.revoke(&time_text(now()), chosen)))?;
            if gone.is_empty() {
                super::say(format_args!("{viewer:?} is neither key nor name of anyone on the list"));
                return Ok(2);
            }
            gone.iter().for_each(|viewer| super::say(format_args!("revoked: {} {}", viewer.key, viewer.name)));
        }
    }
    Ok(0)
}

/// `90s`, `10m`, `2h`, `1d`
fn seconds(text: &str) -> Result<u64, String> {
    let split = text.len().saturating_sub(1);
    let (number, unit) = text.split_at_checked(split).ok_or("a number with s, m, h or d behind it")?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 24 * 3600,
        _ => return Err("a number with s, m, h or d behind it".into()),
    };
    let number: u64 = number.parse().map_err(|_| "a number with s, m, h or d behind it")?;
    number.checked_mul(unit).filter(|seconds| (1..=LONGEST).contains(seconds)).ok_or("from 1s to 7d".into())
}

const LONGEST: u64 = 7 * 24 * 3600;

/// A reader that has gone has seen enough.
fn written(result: io::Result<()>) -> Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => bail!("standard output cannot be written: {error}"),
        Ok(()) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        for (text, expected) in [("1s", 1), ("10m", 600), ("2h", 7200), ("7d", 604_800)] {
            assert_eq!(seconds(text), Ok(expected));
        }
        for text in ["", "s", "0s", "8d", "10", "-1m", "1.5h", "1 m", "5é", "99999999999999999999s"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_pairing_string_fits_a_terminal_as_a_code() {
        let key = sensor_link::KeyPair::generate().unwrap().public();
        let text = format!("nightjar://sensor.branch-office.example.org:7723?key={key}&token={key}");
        let code = draw(&text).unwrap();
        assert!(code.lines().count() <= 33, "{} lines", code.lines().count());
        assert!(code.lines().all(|line| line.chars().count() <= 66));
    }

    #[test]
    fn the_address_is_one_that_others_reach() {
        let of = |addresses: &[&str]| {
            let addresses: Vec<SocketAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
            reachable(&addresses).map(|address| address.to_string())
        };
        assert_eq!(of(&["127.0.0.1:1", "192.0.2.9:2"]).unwrap(), "192.0.2.9:2");
        assert_eq!(of(&["127.0.0.1:1"]).unwrap(), "127.0.0.1:1");
        assert_eq!(of(&[]), None);
        if let Some(found) = of(&["0.0.0.0:7723"]) {
            assert!(found.ends_with(":7723") && !found.starts_with("0.0.0.0"), "{found}");
        }
    }
}
