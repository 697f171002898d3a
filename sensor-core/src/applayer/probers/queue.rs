//! Message queues and remote calls.

use super::super::view::{CERTAIN, LIKELY, NO, Told, View, certain_if, contains, is_ascii, likely_if};

/// MQTT: CONNECT with its protocol's name, CONNACK, and in the midst of a connection PUBLISH with a topic in text, or a
/// ping (MQTT 3.1.1 and 5.0, sections 3.1 to 3.3, 3.12, 3.13).
pub fn mqtt(v: &View<'_>) -> Told {
    match v.u8(0)? {
        0x10 => {
            let mut at = 1;
            while v.u8(at)? & 0x80 != 0 {
                at += 1;
                if at > 4 {
                    return NO;
                }
            }
            certain_if(v.has(at + 1, b"\0\x04MQTT")? || v.has(at + 1, b"\0\x06MQIsdp")?)
        }
        0x20 => {
            let length = v.u8(1)?;
            let v3 = length == 2 && v.u8(2)? <= 1 && v.u8(3)? <= 5;
            let v5 = (3..=0x7f).contains(&length)
                && v.u8(2)? <= 1
                && matches!(v.u8(3)?, 0 | 0x80..=0x9f)
                && v.u8(4)? == length - 3;
            likely_if(v3 || v5 && v.whole(u64::from(length) + 2)?)
        }
        // At QoS 3 it would be malformed.
        first @ 0x30..=0x3f if first & 6 != 6 => {
            let (mut at, mut length) = (1, 0_u64);
            loop {
                let byte = v.u8(at)?;
                length |= u64::from(byte & 0x7f) << (7 * (at - 1));
                at += 1;
                if byte & 0x80 == 0 {
                    break;
                }
                if at > 4 {
                    return NO;
                }
            }
            let topic = usize::from(v.be16(at)?);
            if topic == 0 || topic > 256 || topic as u64 + 2 > length {
                return NO;
            }
            v.u8(at + 1 + topic)?;
            let text = v.bytes.get(at + 2..at + 2 + topic)?;
            likely_if(text.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' '))
        }
        0xc0 | 0xd0 => likely_if(v.u8(1)? == 0 && v.whole(2)?),
        _ => NO,
    }
}

/// AMQP 0-8 to 1.0: its header, or a method frame on channel 0 (AMQP 0-9-1 section 4.2).
pub fn amqp(v: &View<'_>) -> Told {
    match v.u8(0)? {
        b'A' => certain_if(v.starts(b"AMQP")? && v.u8(4)? <= 3),
        // Method frame: class 10, connection, start.
        1 => certain_if(
            v.be16(1)? == 0
                && (8..=1 << 16).contains(&v.be32(3)?)
                && v.be16(7)? == 10
                && (10..=51).contains(&v.be16(9)?),
        ),
        _ => NO,
    }
}

/// Kafka's request: length, key, version, and a client's name (protocol guide, "Request Header").
pub fn kafka(v: &View<'_>) -> Told {
    let length = u64::from(v.be32(0)?);
    let (key, version) = (v.be16(4)?, v.be16(6)?);
    if !(10..=1 << 20).contains(&length) || key > 92 || version > 20 {
        return NO;
    }
    let name = usize::from(v.be16(12)?);
    if name > 128 || name as u64 + 10 > length {
        return NO;
    }
    if name == 0 {
        return NO;
    }
    let text = v.bytes.get(14..14 + name)?;
    let plain =
        text.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':' | b' '));
    if !plain {
        NO
    } else if name >= 3 && v.be32(8)? < 1 << 24 {
        CERTAIN
    } else {
        LIKELY
    }
}

/// STOMP: its first frames (STOMP 1.2, "Connecting").
pub fn stomp(v: &View<'_>) -> Told {
    match v.u8(0)? {
        b'C' | b'S'
            if v.any_start(&[
                b"CONNECT\n",
                b"CONNECT\r\n",
                b"CONNECTED\n",
                b"CONNECTED\r\n",
                b"STOMP\n",
                b"STOMP\r\n",
            ])? =>
        {
            CERTAIN
        }
        _ => NO,
    }
}

/// OpenWire: WIREFORMAT_INFO with its magic (ActiveMQ's OpenWire 2 specification).
pub fn openwire(v: &View<'_>) -> Told {
    certain_if(v.be16(0)? == 0 && v.u8(4)? == 1 && v.has(5, b"ActiveMQ")?)
}

/// SMPP: length, an operation, a status of 0 in requests, a sequence number (SMPP 3.4 section 3.2).
pub fn smpp(v: &View<'_>) -> Told {
    let (length, command) = (v.be32(0)?, v.be32(4)?);
    let known = matches!(command & 0x7fff_ffff, 1..=9 | 11 | 21 | 0x102 | 0x103);
    if !known || !(16..=70_000).contains(&length) {
        return NO;
    }
    let (status, sequence) = (v.be32(8)?, v.be32(12)?);
    let fits = status <= 0x600 && (1..0x7fff_ffff).contains(&sequence);
    certain_if(fits && (command >> 31 == 1 || status == 0))
}

/// Thrift: the strict binary protocol, in frames or without them, or the compact one (Thrift's protocol specifications).
pub fn thrift(v: &View<'_>) -> Told {
    if v.u8(0)? == 0x82 {
        if v.u8(1)? & 0x1f != 1 || !(1..=4).contains(&(v.u8(1)? >> 5)) {
            return NO;
        }
        let mut at = 2;
        while at < 7 && v.u8(at)? & 0x80 != 0 {
            at += 1;
        }
        let name = usize::from(v.u8(at + 1)?);
        let text = v.bytes.get(at + 2..at + 2 + name)?;
        return certain_if(name >= 3 && is_ascii(text));
    }
    let at = if v.u8(0)? == 0x80 { 0 } else { 4 };
    if at == 4 && v.be32(0)? > 1 << 24 {
        return NO;
    }
    if v.be16(at)? != 0x8001 || v.u8(at + 2)? != 0 || !(1..=4).contains(&v.u8(at + 3)?) {
        return NO;
    }
    let name = v.be32(at + 4)? as usize;
    if name == 0 || name > 128 {
        return NO;
    }
    certain_if(is_ascii(v.bytes.get(at + 8..at + 8 + name)?))
}

/// Gearman: its binary header (Gearman's protocol, "Binary Packet").
pub fn gearman(v: &View<'_>) -> Told {
    if v.u8(0)? != 0 || !v.any_start(&[b"\0REQ", b"\0RES"])? {
        return NO;
    }
    certain_if((1..=42).contains(&v.be32(4)?))
}

/// ONC RPC other than NFS over a stream (RFC 5531 sections 9 and 11).
pub fn rpc_tcp(v: &View<'_>) -> Told {
    let mark = v.be32(0)?;
    if mark & 0x7fff_ffff < 24 || mark & 0x7fff_ffff > 1 << 24 { NO } else { call(v, 4, false) }
}

/// NFS over a stream.
pub fn nfs_tcp(v: &View<'_>) -> Told {
    let mark = v.be32(0)?;
    if mark & 0x7fff_ffff < 24 || mark & 0x7fff_ffff > 1 << 24 { NO } else { call(v, 4, true) }
}

/// ONC RPC other than NFS in datagrams.
pub fn rpc(v: &View<'_>) -> Told {
    call(v, 0, false)
}

/// NFS in datagrams.
pub fn nfs(v: &View<'_>) -> Told {
    call(v, 0, true)
}

/// A call to a program, which tells NFS from the rest, or an answer, which does not.
fn call(v: &View<'_>, at: usize, nfs: bool) -> Told {
    match v.be32(at + 4)? {
        0 => {
            let (version, program, program_version, procedure) =
                (v.be32(at + 8)?, v.be32(at + 12)?, v.be32(at + 16)?, v.be32(at + 20)?);
            let flavor = matches!(v.be32(at + 24)?, 0..=6 | 390_000..=400_000);
            let known = matches!(program, 100_000..=101_000 | 150_001..=151_000 | 200_000..=400_000 | 0x2000_0000..=0x5fff_ffff);
            if version != 2 || !known || program_version > 10_000 || procedure > 1_000 || !flavor {
                return NO;
            }
            certain_if((program == 100_003) == nfs)
        }
        1 => {
            // Accepted with a verifier and a status, or denied.
            let fits = match v.be32(at + 8)? {
                0 => {
                    matches!(v.be32(at + 12)?, 0..=6) && {
                        let length = v.be32(at + 16)? as usize;
                        length <= 400 && v.be32(at + 20 + length)? <= 5
                    }
                }
                1 => v.be32(at + 12)? <= 1,
                _ => false,
            };
            likely_if(fits)
        }
        _ => NO,
    }
}

/// Git's own transport: a packet line with the service (Git's pack-protocol).
pub fn git(v: &View<'_>) -> Told {
    let hex = v.bytes.iter().take(4).all(u8::is_ascii_hexdigit);
    if !hex {
        return NO;
    }
    if v.u8(4)? == b'g' && (v.has(4, b"git-upload-")? || v.has(4, b"git-receive-")?) {
        return CERTAIN;
    }
    let (line, whole) = v.line();
    if line.len() > 46 && contains(line, b" HEAD\0") {
        CERTAIN
    } else if whole || v.len() > 64 {
        NO
    } else {
        None
    }
}

/// Rsync's daemon (rsync's protocol, the greeting).
pub fn rsync(v: &View<'_>) -> Told {
    certain_if(v.u8(0)? == b'@' && v.starts(b"@RSYNCD: ")?)
}

/// Apple's file sharing over DSI: flags, a command, a length and a reserved zero.
pub fn afp(v: &View<'_>) -> Told {
    let fits = v.u8(0)? <= 1 && (1..=8).contains(&v.u8(1)?) && v.be32(12)? == 0;
    let length = v.be32(8)?;
    certain_if(fits && length < 1 << 20 && (v.u8(0)? == 1 || v.be32(4)? < 1 << 16) && v.whole(u64::from(length) + 16)?)
}
