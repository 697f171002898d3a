//! Makes packets.

/// An Ethernet frame from 02:02:02:02:02:02 to 01:01:01:01:01:01.
pub fn ethernet(kind: u16, body: &[u8]) -> Vec<u8> {
    [&[1; 6][..], &[2; 6], &kind.to_be_bytes(), body].concat()
}

/// An IPv4 packet with a right header checksum.
pub fn ipv4(source: [u8; 4], destination: [u8; 4], proto: u8, body: &[u8]) -> Vec<u8> {
    let total = (20 + body.len() as u16).to_be_bytes();
    let mut header = [&[0x45, 0][..], &total, &[0, 7, 0, 0, 64, proto, 0, 0], &source, &destination].concat();
    let sum = checksum(&header);
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    let mut body = body.to_vec();
    if proto == 17 && body.len() >= 8 {
        body[6..8].fill(0);
        let len = (body.len() as u16).to_be_bytes();
        let sum = checksum(&[&source[..], &destination, &[0, 17], &len, &body].concat());
        body[6..8].copy_from_slice(&sum.to_be_bytes());
    }
    [header, body].concat()
}

/// An IPv6 packet.
pub fn ipv6(source: [u8; 16], destination: [u8; 16], next: u8, body: &[u8]) -> Vec<u8> {
    let len = (body.len() as u16).to_be_bytes();
    [&[0x60, 0, 0, 0][..], &len, &[next, 64], &source, &destination, body].concat()
}

/// A UDP datagram without checksum; [`ipv4`] puts it in.
pub fn udp(source: u16, destination: u16, body: &[u8]) -> Vec<u8> {
    let len = 8 + body.len() as u16;
    [&source.to_be_bytes()[..], &destination.to_be_bytes(), &len.to_be_bytes(), &[0, 0], body].concat()
}

fn checksum(data: &[u8]) -> u16 {
    let mut sum: u32 = data.chunks(2).map(|w| u32::from(w[0]) << 8 | u32::from(*w.get(1).unwrap_or(&0))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
