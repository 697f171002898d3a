//! The interfaces of this machine.

use std::net::IpAddr;

use pcap::{Capture, Device};
use sensor_wire::interface::{Interface, Interfaces};

use super::{LiveError, error, library};

/// All interfaces that carry network packets, each with why it can't be captured from now: each is opened for a moment,
/// not promiscuous. Where they can't be listed, the reason is in the answer.
pub fn list() -> Interfaces {
    if let Err(error) = library::load() {
        return Interfaces { interfaces: Vec::new(), failure: Some(error.failure()) };
    }
    match Device::list() {
        Ok(devices) => {
            let interfaces = devices.iter().filter(|device| is_network(&device.name)).map(describe).collect();
            Interfaces { interfaces, failure: None }
        }
        Err(error) => {
            let cause = error::words(&error);
            let failure = LiveError::Failed { interface: "the list of interfaces".into(), cause }.failure();
            Interfaces { interfaces: Vec::new(), failure: Some(failure) }
        }
    }
}

fn describe(device: &Device) -> Interface {
    let flags = &device.flags;
    Interface {
        name: device.name.clone(),
        description: device.desc.clone().unwrap_or_default(),
        addresses: device.addresses.iter().map(|address| cidr(address.addr, address.netmask)).collect(),
        mac: mac(&device.name),
        up: flags.is_up(),
        running: flags.is_running(),
        loopback: flags.is_loopback(),
        wireless: flags.is_wireless(),
        failure: try_open(&device.name).err().map(|error| error.failure()),
    }
}

fn try_open(name: &str) -> Result<(), LiveError> {
    let failed = |error| LiveError::of_open(name, &error);
    let capture = Capture::from_device(name).map_err(failed)?.snaplen(64).timeout(1).buffer_size(64 << 10);
    capture.open().map(drop).map_err(failed)
}

/// An address with the length of its prefix, where it has a mask.
fn cidr(address: IpAddr, mask: Option<IpAddr>) -> String {
    match mask {
        Some(IpAddr::V4(mask)) => format!("{address}/{}", u32::from(mask).count_ones()),
        Some(IpAddr::V6(mask)) => format!("{address}/{}", u128::from(mask).count_ones()),
        None => address.to_string(),
    }
}

/// What libpcap lists beside network interfaces: USB buses, Bluetooth, D-Bus, the firewall's logs.
fn is_network(name: &str) -> bool {
    !["usbmon", "bluetooth", "dbus-", "nflog", "nfqueue"].iter().any(|other| name.starts_with(other))
}

/// The hardware address, in the form `02:00:00:00:00:01`.
#[cfg(target_os = "linux")]
fn mac(name: &str) -> Option<String> {
    let text = std::fs::read_to_string(std::path::Path::new("/sys/class/net").join(name).join("address")).ok()?;
    let mac = text.trim();
    (mac.len() == 17 && mac.chars().any(|c| c.is_ascii_hexdigit() && c != '0')).then(|| mac.to_owned())
}

/// libpcap tells IP addresses only, and here nothing else is asked.
#[cfg(not(target_os = "linux"))]
fn mac(_: &str) -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_prefix() {
        let v4 = "192.0.2.1".parse().unwrap();
        assert_eq!(cidr(v4, Some("255.255.240.0".parse().unwrap())), "192.0.2.1/20");
        assert_eq!(cidr(v4, None), "192.0.2.1");
        let v6 = "2001:db8::1".parse().unwrap();
        assert_eq!(cidr(v6, Some("ffff:ffff:ffff:ffff::".parse().unwrap())), "2001:db8::1/64");
    }

    #[test]
    fn what_carries_no_packets_is_left_out() {
        assert!(["eth0", "lo", "any", "wlan0", "en0"].iter().all(|name| is_network(name)));
        assert!(["nflog", "usbmon1", "bluetooth0", "dbus-system"].iter().all(|name| !is_network(name)));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_loopback_is_there_and_has_its_addresses() {
        let list = list();
        assert_eq!(list.failure, None);
        let lo = list.interfaces.iter().find(|interface| interface.name == "lo").unwrap();
        assert!(lo.loopback && lo.mac.is_none(), "{lo:?}");
        assert!(!lo.up || lo.addresses.contains(&"127.0.0.1/8".to_owned()), "{lo:?}");
    }
}
