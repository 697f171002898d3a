//! The pcapng format: blocks in sections. <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html>

use super::notice::{NoticeKind, Notices};
use super::{FrameMeta, Framed, MAX_BLOCK, MAX_CAPTURED, Stop};

/// Whether a file begins as pcapng does.
pub(super) fn is(head: &[u8]) -> bool {
    head.first_chunk().is_some_and(|&kind| u32::from_le_bytes(kind) == SECTION)
        && head.get(8..12).is_none_or(|magic| byte_order(magic).is_some())
}

/// Looks at the version of the first section. The error is the cause to refuse the file.
pub(super) fn check(head: &[u8]) -> Result<(), String> {
    let (Some(order), Some(&version)) =
        (head.get(8..12).and_then(byte_order), head.get(12..).and_then(|rest| rest.first_chunk::<4>()))
    else {
        return Err(format!("truncated: a pcapng header has 28 bytes, the file ends after {}", head.len()));
    };
    order.version(version)
}

/// Cuts frames out of a pcapng stream.
#[derive(Debug, Default)]
pub(super) struct Framer {
    order: Order,
    interfaces: Vec<Interface>,
    /// Where the section's blocks begin, and how many bytes of them its header says there are.
    section: Option<(u64, u64)>,
    /// The block that is being passed over.
    skip: Option<Skip>,
    /// Time of the packet before.
    last: i64,
}

impl Framer {
    pub(super) fn frame(
        &mut self,
        arena: &[u8],
        position: u64,
        frames: &mut Vec<FrameMeta>,
        notices: &mut Notices,
    ) -> Framed {
        let mut rest = arena;
        let stop = loop {
            if let Some(skip) = &mut self.skip {
                match skip.pass(&mut rest, self.order) {
                    Ok(true) => self.skip = None,
                    Ok(false) => break Stop::Need(rest.len() + 1),
                    Err(cause) => break Stop::Damage { before: skip.done, cause },
                }
            }
            let used = arena.len() - rest.len();
            let at = position + used as u64;
            match self.block(rest, used, at, frames, notices) {
                Ok(length) => match rest.get(length as usize..) {
                    Some(after) => rest = after,
                    None => break Stop::Need(length as usize),
                },
                Err(stop) => break stop,
            }
        };
        Framed { used: arena.len() - rest.len(), stop }
    }

    pub(super) fn unfinished(&self, rest: &[u8]) -> Option<Stop> {
        if let Some(skip) = &self.skip {
            let (total, done) = (skip.total, skip.done + rest.len() as u64);
            let cause = format!("truncated: block header says {total} bytes, the file ends after {done}");
            return Some(Stop::Damage { before: skip.done, cause });
        }
        let cause = match rest.get(4..8) {
            _ if rest.is_empty() => return None,
            Some(&[a, b, c, d]) if rest.len() >= BLOCK => {
                let total = self.order_of(rest).unwrap_or_default().word([a, b, c, d]);
                format!("truncated: block header says {total} bytes, the file ends after {}", rest.len())
            }
            _ => format!("truncated: a block has at least {BLOCK} bytes, the file ends after {}", rest.len()),
        };
        Some(Stop::Damage { before: 0, cause })
    }

    /// Takes the block at the front of `rest`; its length in bytes, of which all were taken.
    #[inline(always)]
    fn block(
        &mut self,
        rest: &[u8],
        used: usize,
        at: u64,
        frames: &mut Vec<FrameMeta>,
        notices: &mut Notices,
    ) -> Result<u32, Stop> {
        let Some(&[k0, k1, k2, k3, t0, t1, t2, t3, m0, m1, m2, m3]) = rest.first_chunk::<BLOCK>() else {
            return Err(Stop::Need(BLOCK));
        };
        let mut order = self.order;
        let mut kind = order.word([k0, k1, k2, k3]);
        if kind == SECTION {
            order = match byte_order(&[m0, m1, m2, m3]) {
                Some(order) => order,
                None => return damage("section header without its byte-order magic".into()),
            };
            kind = SECTION;
        }
        let total = order.word([t0, t1, t2, t3]);
        if total < BLOCK as u32 || !total.is_multiple_of(4) {
            return damage(format!("block header says {total} bytes, which is no length of a block"));
        }
        if !matches!(kind, SECTION | INTERFACE | ENHANCED | SIMPLE | OLD) {
            self.skip = Some(Skip { total, done: 0 });
            return Ok(0);
        }
        if total > MAX_BLOCK {
            return damage(format!("block of type {kind:#x} says {total} bytes, the most possible is {MAX_BLOCK}"));
        }
        let Some((body, trailer)) = rest.get(8..total as usize).and_then(|block| block.split_last_chunk::<4>()) else {
            return Err(Stop::Need(total as usize));
        };
        if order.word(*trailer) != total {
            return damage(wrong_trailer(total, order.word(*trailer)));
        }
        let body = Body { order, bytes: body, at: used + 8 };
        match kind {
            ENHANCED => self.enhanced(body, at, frames, notices),
            SIMPLE => self.simple(body, at, frames, notices),
            OLD => self.old(body, at, frames, notices),
            INTERFACE => self.interface(body),
            _ => self.open_section(body, at, total, notices),
        }
        .map_err(|cause| Stop::Damage { before: 0, cause })?;
        Ok(total)
    }

    fn open_section(&mut self, body: Body<'_>, at: u64, total: u32, notices: &mut Notices) -> Result<(), String> {
        let &[_, _, _, _, v0, v1, v2, v3, ref length @ ..] = body.fixed::<16>("section header")?;
        body.order.version([v0, v1, v2, v3])?;
        body.options(16, |_, _| Ok(()))?;
        if let Some((start, stated)) = self.section
            && start.checked_add(stated) != Some(at)
        {
            notices.add(NoticeKind::SectionLength, start);
        }
        let stated = body.order.long(*length);
        self.section = (stated != u64::MAX).then_some((at + u64::from(total), stated));
        self.order = body.order;
        self.interfaces.clear();
        Ok(())
    }

    fn interface(&mut self, body: Body<'_>) -> Result<(), String> {
        let &[l0, l1, _, _, s0, s1, s2, s3] = body.fixed::<8>("interface description")?;
        if self.interfaces.len() >= MAX_INTERFACES {
            return Err(format!("more than {MAX_INTERFACES} interfaces in a section"));
        }
        let mut clock = Clock { unit: Unit::Multiply(1_000), offset: 0 };
        body.options(8, |code, value| {
            match (code, value) {
                (OPTION_RESOLUTION, &[resolution]) => clock.unit = Unit::of(resolution),
                (OPTION_OFFSET, value) => match value.first_chunk() {
                    Some(&seconds) if value.len() == 8 => {
                        clock.offset = (body.order.long(seconds) as i64).saturating_mul(SECOND);
                    }
                    _ => return Err(format!("interface option if_tsoffset has {} bytes instead of 8", value.len())),
                },
                (OPTION_RESOLUTION, _) => {
                    return Err(format!("interface option if_tsresol has {} bytes instead of 1", value.len()));
                }
                _ => {}
            }
            Ok(())
        })?;
        let (link, snaplen) = (body.order.half([l0, l1]), body.order.word([s0, s1, s2, s3]));
        self.interfaces.push(Interface { link, snaplen, clock });
        Ok(())
    }

    #[inline(always)]
    fn enhanced(
        &mut self,
        body: Body<'_>,
        at: u64,
        frames: &mut Vec<FrameMeta>,
        notices: &mut Notices,
    ) -> Result<(), String> {
        let &[i0, i1, i2, i3, ref packet @ ..] = body.fixed::<20>("packet block")?;
        self.packet(body, 20, body.order.word([i0, i1, i2, i3]), packet, at, frames, notices)
    }

    /// The packet block of the first drafts: a 16-bit interface, and a drop counter after it.
    fn old(
        &mut self,
        body: Body<'_>,
        at: u64,
        frames: &mut Vec<FrameMeta>,
        notices: &mut Notices,
    ) -> Result<(), String> {
        let &[i0, i1, _, _, ref packet @ ..] = body.fixed::<20>("packet block")?;
        self.packet(body, 20, u32::from(body.order.half([i0, i1])), packet, at, frames, notices)
    }

    /// What both kinds of packet block have in common: time, lengths, the frame. Options of packets are not looked at,
    /// since nothing uses them: a broken one costs no packet.
    #[inline(always)]
    #[expect(clippy::too_many_arguments, reason = "inlined parts of one loop")]
    fn packet(
        &mut self,
        body: Body<'_>,
        fixed: usize,
        interface: u32,
        packet: &[u8; 16],
        at: u64,
        frames: &mut Vec<FrameMeta>,
        notices: &mut Notices,
    ) -> Result<(), String> {
        let order = body.order;
        let &[h0, h1, h2, h3, l0, l1, l2, l3, c0, c1, c2, c3, w0, w1, w2, w3] = packet;
        let (high, low) = (order.word([h0, h1, h2, h3]), order.word([l0, l1, l2, l3]));
        let (captured, wire) = (order.word([c0, c1, c2, c3]), order.word([w0, w1, w2, w3]));
        let Some(on) = self.interfaces.get(interface as usize) else {
            return Err(no_interface(interface, self.interfaces.len()));
        };
        if captured > MAX_CAPTURED {
            return Err(format!(
                "packet block says {captured} bytes were captured, the most possible is {MAX_CAPTURED}"
            ));
        }
        if captured as usize > body.bytes.len() - fixed {
            let room = body.bytes.len() - fixed;
            return Err(format!("packet block says {captured} bytes were captured and has room for {room}"));
        }
        let time = on.clock.time(u64::from(high) << 32 | u64::from(low)).unwrap_or_else(|nearest| {
            notices.add(NoticeKind::TimeOutOfRange, at);
            nearest
        });
        if captured > wire {
            notices.add(NoticeKind::CapturedOverWire, at);
        }
        self.last = time;
        frames.push(FrameMeta {
            time,
            offset: (body.at + fixed) as u32,
            captured,
            wire: wire.max(captured),
            link: on.link,
        });
        Ok(())
    }

    /// A frame of the first interface without a time. It is cut where the interface's snap length or the block ends.
    fn simple(
        &mut self,
        body: Body<'_>,
        at: u64,
        frames: &mut Vec<FrameMeta>,
        notices: &mut Notices,
    ) -> Result<(), String> {
        let &[w0, w1, w2, w3] = body.fixed::<4>("simple packet block")?;
        let wire = body.order.word([w0, w1, w2, w3]);
        let Some(on) = self.interfaces.first() else {
            return Err(no_interface(0, 0));
        };
        let snaplen = if on.snaplen == 0 { u32::MAX } else { on.snaplen };
        let captured = wire.min(snaplen);
        if captured > MAX_CAPTURED {
            return Err(format!(
                "packet block says {captured} bytes were captured, the most possible is {MAX_CAPTURED}"
            ));
        }
        if captured as usize > body.bytes.len() - 4 {
            let room = body.bytes.len() - 4;
            return Err(format!("packet block says {captured} bytes were captured and has room for {room}"));
        }
        notices.add(NoticeKind::NoTime, at);
        frames.push(FrameMeta { time: self.last, offset: (body.at + 4) as u32, captured, wire, link: on.link });
        Ok(())
    }

    /// The byte order of the block at the front of `rest`: its own if it opens a section.
    fn order_of(&self, rest: &[u8]) -> Option<Order> {
        match rest.first_chunk() {
            Some(&kind) if u32::from_le_bytes(kind) == SECTION => rest.get(8..12).and_then(byte_order),
            _ => Some(self.order),
        }
    }
}

/// The part of a block between its two lengths.
#[derive(Clone, Copy)]
struct Body<'a> {
    order: Order,
    bytes: &'a [u8],
    /// Where it begins in the arena.
    at: usize,
}

impl<'a> Body<'a> {
    #[inline(always)]
    fn fixed<const N: usize>(&self, what: &str) -> Result<&'a [u8; N], String> {
        match self.bytes.first_chunk() {
            Some(fields) => Ok(fields),
            None => Err(format!("{what} of {} bytes is too short for its {N} bytes of fields", self.bytes.len())),
        }
    }

    /// Calls `each` with the code and value of each option after `fixed` bytes.
    fn options(&self, fixed: usize, mut each: impl FnMut(u16, &[u8]) -> Result<(), String>) -> Result<(), String> {
        let mut rest = self.bytes.get(fixed..).unwrap_or_default();
        while let Some((&[c0, c1, l0, l1], after)) = rest.split_first_chunk() {
            let (code, length) = (self.order.half([c0, c1]), self.order.half([l0, l1]) as usize);
            if code == OPTION_END {
                return Ok(());
            }
            let Some((value, _)) = after.split_at_checked(length) else {
                return Err(format!("option {code} says {length} bytes, its block has {} left", after.len()));
            };
            each(code, value)?;
            // The last option's padding may be missing.
            rest = after.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        match rest.len() {
            0 => Ok(()),
            left => Err(format!("{left} bytes after the last option, too few for another")),
        }
    }
}

/// A block of a kind that holds no packets, wholly or partly ahead.
#[derive(Debug)]
struct Skip {
    total: u32,
    done: u64,
}

impl Skip {
    /// Passes over what is there. True when the block's end, with its repeated length, was reached.
    fn pass(&mut self, rest: &mut &[u8], order: Order) -> Result<bool, String> {
        let content = u64::from(self.total) - 4 - self.done;
        let (_, after) = rest.split_at(rest.len().min(usize::try_from(content).unwrap_or(usize::MAX)));
        self.done += (rest.len() - after.len()) as u64;
        *rest = after;
        let Some((trailer, after)) = after.split_first_chunk() else { return Ok(false) };
        if order.word(*trailer) != self.total {
            return Err(wrong_trailer(self.total, order.word(*trailer)));
        }
        *rest = after;
        Ok(true)
    }
}

/// Byte order of a section.
#[derive(Clone, Copy, Debug, Default)]
struct Order {
    big_endian: bool,
}

/// The byte order that a byte-order magic tells.
fn byte_order(magic: &[u8]) -> Option<Order> {
    match magic {
        [0x4d, 0x3c, 0x2b, 0x1a] => Some(Order { big_endian: false }),
        [0x1a, 0x2b, 0x3c, 0x4d] => Some(Order { big_endian: true }),
        _ => None,
    }
}

impl Order {
    #[inline(always)]
    fn half(self, bytes: [u8; 2]) -> u16 {
        if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    }

    #[inline(always)]
    fn word(self, bytes: [u8; 4]) -> u32 {
        if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }

    fn long(self, bytes: [u8; 8]) -> u64 {
        if self.big_endian { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) }
    }

    /// 1.0 is the only version; some writers say 1.2 and mean the same.
    fn version(self, [a, b, c, d]: [u8; 4]) -> Result<(), String> {
        match (self.half([a, b]), self.half([c, d])) {
            (1, _) => Ok(()),
            (major, minor) => Err(format!("pcapng of version {major}.{minor}, which nobody knows (1.0 is usual)")),
        }
    }
}

#[derive(Debug)]
struct Interface {
    link: u16,
    /// 0: no limit.
    snaplen: u32,
    clock: Clock,
}

/// How an interface counts time.
#[derive(Clone, Copy, Debug)]
struct Clock {
    unit: Unit,
    /// Nanoseconds to add.
    offset: i64,
}

impl Clock {
    /// Nanoseconds since 1970; the error is the nearest that fits.
    #[inline(always)]
    fn time(self, ticks: u64) -> Result<i64, i64> {
        let nanoseconds = match self.unit {
            Unit::Multiply(by) => ticks.checked_mul(by),
            Unit::Divide(by) => Some(ticks / by),
            Unit::Nothing => Some(0),
            Unit::Shift(by) => u64::try_from((u128::from(ticks) * SECOND as u128).checked_shr(by).unwrap_or(0)).ok(),
        };
        nanoseconds.and_then(|n| self.offset.checked_add_unsigned(n)).ok_or(i64::MAX)
    }
}

/// The length of a tick.
#[derive(Clone, Copy, Debug)]
enum Unit {
    /// So many nanoseconds.
    Multiply(u64),
    /// A nanosecond divided by so many.
    Divide(u64),
    /// A second divided by two to this power.
    Shift(u32),
    /// So short that no number of ticks makes a nanosecond.
    Nothing,
}

impl Unit {
    /// From the option `if_tsresol`: the highest bit says whether the rest is a negative power of two or of ten.
    fn of(resolution: u8) -> Unit {
        let power = u32::from(resolution & 0x7f);
        match (resolution & 0x80 != 0, power) {
            (true, _) => Unit::Shift(power),
            (false, 0..=9) => Unit::Multiply(10_u64.pow(9 - power)),
            (false, _) => 10_u64.checked_pow(power - 9).map_or(Unit::Nothing, Unit::Divide),
        }
    }
}

fn damage(cause: String) -> Result<u32, Stop> {
    Err(Stop::Damage { before: 0, cause })
}

#[cold]
fn wrong_trailer(head: u32, tail: u32) -> String {
    format!("block header says {head} bytes, the block's end says {tail}")
}

#[cold]
fn no_interface(interface: u32, known: usize) -> String {
    format!("packet of interface {interface}, the section has described {known}")
}

/// Most interfaces of a section; old packet blocks can't number more.
const MAX_INTERFACES: usize = 1 << 16;

/// The shortest block: type and both lengths. A section's header has its magic where others have the second length.
const BLOCK: usize = 12;
/// Block types. This one reads the same in both byte orders.
const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const OLD: u32 = 2;
const SIMPLE: u32 = 3;
const ENHANCED: u32 = 6;

const OPTION_END: u16 = 0;
const OPTION_RESOLUTION: u16 = 9;
const OPTION_OFFSET: u16 = 14;
const SECOND: i64 = 1_000_000_000;
