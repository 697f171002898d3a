//! What the procedures of NFS 2 (RFC 1094), 3 (RFC 1813) and 4 (RFC 7530, RFC 8881) are asked and give.

use super::rpc::Xdr;

/// A file's handle (RFC 1813, section 2.4: 64 bytes; RFC 7530, section 2.1: 128).
pub(super) type Handle = Vec<u8>;

const MOST_HANDLE: usize = 128;
/// Bytes of a name that are kept.
const MOST_NAME: usize = 1024;
/// Operations of a compound that are read.
const MOST_OPERATIONS: usize = 64;

/// What a call asks.
#[derive(Debug, Default)]
pub(super) struct Asked<'a> {
    /// The file or directory it is about.
    pub handle: Option<Handle>,
    pub name: Vec<u8>,
    /// The new name of a file that is renamed.
    pub to: Option<Vec<u8>>,
    /// A part of a file that is read or written: its place, and what is written.
    pub chunk: Option<(u64, Option<Data<'a>>)>,
    /// The file is written to the end, or closed.
    pub closes: bool,
    /// The operation that a compound is about.
    pub operation: Option<u32>,
}

/// What a reply gives.
#[derive(Debug, Default)]
pub(super) struct Given<'a> {
    pub status: u32,
    /// The handle of what was looked up or made.
    pub handle: Option<Handle>,
    /// What was read, and whether it was the end.
    pub data: Option<(Data<'a>, bool)>,
}

/// Data, as far as they are there, and how many bytes still come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Data<'a> {
    pub there: &'a [u8],
    pub missing: usize,
}

/// Procedures of versions 3 and, where they are the same, 2.
mod procedure {
    pub const ACCESS: u32 = 4;
    pub const LOOKUP: u32 = 3;
    pub const LOOKUP_2: u32 = 4;
    pub const READ: u32 = 6;
    pub const WRITE: u32 = 7;
    pub const WRITE_2: u32 = 8;
    pub const CREATE: u32 = 8;
    pub const MKDIR: u32 = 9;
    pub const GETATTR: u32 = 1;
    pub const REMOVE: u32 = 12;
    pub const RMDIR: u32 = 13;
    pub const RENAME: u32 = 14;
    pub const READDIRPLUS: u32 = 17;
    pub const COMMIT: u32 = 21;
}

/// Operations of version 4.
pub(super) mod operation {
    pub const ACCESS: u32 = 3;
    pub const CLOSE: u32 = 4;
    pub const COMMIT: u32 = 5;
    pub const GETATTR: u32 = 9;
    pub const GETFH: u32 = 10;
    pub const LOOKUP: u32 = 15;
    pub const PUTFH: u32 = 22;
    pub const PUTPUBFH: u32 = 23;
    pub const PUTROOTFH: u32 = 24;
    pub const READ: u32 = 25;
    pub const READDIR: u32 = 26;
    pub const READLINK: u32 = 27;
    pub const REMOVE: u32 = 28;
    pub const RENAME: u32 = 29;
    pub const RENEW: u32 = 30;
    pub const RESTOREFH: u32 = 31;
    pub const SAVEFH: u32 = 32;
    pub const WRITE: u32 = 38;
    pub const SEQUENCE: u32 = 53;
}

impl<'a> Asked<'a> {
    /// Reads the arguments of a call, as far as they are known.
    pub(super) fn read(version: u32, procedure: u32, arguments: Xdr<'a>) -> Option<Asked<'a>> {
        match version {
            2 => Asked::two(procedure, arguments),
            3 => Asked::three(procedure, arguments),
            4 if procedure == 1 => Asked::compound(arguments),
            _ => Some(Asked::default()),
        }
    }

    fn two(procedure: u32, mut xdr: Xdr<'a>) -> Option<Asked<'a>> {
        let mut asked = Asked::default();
        match procedure {
            procedure::LOOKUP_2 => {
                asked.handle = Some(xdr.fixed(32)?.to_vec());
                asked.name = name(&mut xdr)?;
            }
            procedure::READ => {
                asked.handle = Some(xdr.fixed(32)?.to_vec());
                asked.chunk = Some((xdr.u32()?.into(), None));
            }
            procedure::WRITE_2 => {
                asked.handle = Some(xdr.fixed(32)?.to_vec());
                xdr.u32()?;
                let offset = xdr.u32()?.into();
                xdr.u32()?;
                asked.chunk = Some((offset, Some(data(&mut xdr)?)));
            }
            _ => {}
        }
        Some(asked)
    }

    fn three(procedure: u32, mut xdr: Xdr<'a>) -> Option<Asked<'a>> {
        let mut asked = Asked::default();
        match procedure {
            procedure::GETATTR | procedure::ACCESS | procedure::READDIRPLUS => {
                asked.handle = Some(handle(&mut xdr)?);
            }
            procedure::LOOKUP
            | procedure::CREATE
            | procedure::MKDIR
            | procedure::REMOVE
            | procedure::RMDIR
            | procedure::RENAME => {
                asked.handle = Some(handle(&mut xdr)?);
                asked.name = name(&mut xdr)?;
                if procedure == procedure::RENAME {
                    handle(&mut xdr)?;
                    asked.to = Some(name(&mut xdr)?);
                }
            }
            procedure::READ => {
                asked.handle = Some(handle(&mut xdr)?);
                asked.chunk = Some((xdr.u64()?, None));
            }
            procedure::WRITE => {
                asked.handle = Some(handle(&mut xdr)?);
                let offset = xdr.u64()?;
                xdr.fixed(8)?;
                asked.chunk = Some((offset, Some(data(&mut xdr)?)));
            }
            procedure::COMMIT => {
                asked.handle = Some(handle(&mut xdr)?);
                asked.closes = true;
            }
            _ => {}
        }
        Some(asked)
    }

    /// COMPOUND (RFC 7530, section 14.2), up to an operation that is not known.
    fn compound(mut xdr: Xdr<'a>) -> Option<Asked<'a>> {
        xdr.opaque()?;
        xdr.u32()?;
        let count = xdr.u32()?;
        let mut asked = Asked::default();
        for _ in 0..usize::try_from(count).unwrap_or(MOST_OPERATIONS).min(MOST_OPERATIONS) {
            let Some(number) = xdr.u32() else { break };
            if asked.operation(number, &mut xdr).is_none() {
                asked.operation.get_or_insert(number);
                break;
            }
        }
        Some(asked)
    }

    fn operation(&mut self, number: u32, xdr: &mut Xdr<'a>) -> Option<()> {
        match number {
            operation::PUTFH => {
                self.handle = Some(handle(xdr)?);
                return Some(());
            }
            operation::SEQUENCE => return xdr.fixed(32).map(|_| ()),
            operation::PUTROOTFH
            | operation::PUTPUBFH
            | operation::GETFH
            | operation::SAVEFH
            | operation::RESTOREFH => return Some(()),
            operation::GETATTR => {
                bitmap(xdr)?;
                self.operation.get_or_insert(number);
                return Some(());
            }
            operation::READLINK => {}
            operation::ACCESS => _ = xdr.u32()?,
            operation::RENEW => _ = xdr.u64()?,
            operation::LOOKUP | operation::REMOVE => self.name = name(xdr)?,
            operation::RENAME => {
                self.name = name(xdr)?;
                self.to = Some(name(xdr)?);
            }
            operation::CLOSE => {
                xdr.fixed(20)?;
                self.closes = true;
            }
            operation::COMMIT => {
                xdr.fixed(12)?;
                self.closes = true;
            }
            operation::READ => {
                xdr.fixed(16)?;
                self.chunk = Some((xdr.u64()?, None));
                xdr.u32()?;
            }
            operation::WRITE => {
                xdr.fixed(16)?;
                let offset = xdr.u64()?;
                xdr.u32()?;
                self.chunk = Some((offset, Some(data(xdr)?)));
            }
            operation::READDIR => {
                xdr.fixed(24)?;
                bitmap(xdr)?;
            }
            _ => return None,
        }
        // What only asks for attributes beside is not what it is about.
        self.operation = Some(number);
        Some(())
    }
}

impl<'a> Given<'a> {
    /// Reads the results of a call, as far as they are known.
    pub(super) fn read(version: u32, procedure: u32, mut xdr: Xdr<'a>) -> Option<Given<'a>> {
        let mut given = Given { status: xdr.u32()?, ..Given::default() };
        if given.status != 0 {
            return Some(given);
        }
        match (version, procedure) {
            (3, procedure::LOOKUP) => given.handle = Some(handle(&mut xdr)?),
            (3, procedure::CREATE | procedure::MKDIR) if xdr.u32()? == 1 => given.handle = Some(handle(&mut xdr)?),
            (3, procedure::READ) => {
                if xdr.u32()? == 1 {
                    xdr.fixed(84)?;
                }
                xdr.u32()?;
                let end = xdr.u32()? != 0;
                given.data = Some((data(&mut xdr)?, end));
            }
            (2, procedure::LOOKUP_2) => given.handle = Some(xdr.fixed(32)?.to_vec()),
            (2, procedure::READ) => {
                xdr.fixed(68)?;
                given.data = Some((data(&mut xdr)?, false));
            }
            (4, 1) => given.compound(xdr)?,
            _ => {}
        }
        Some(given)
    }

    /// The results of a compound, up to those that are not known.
    fn compound(&mut self, mut xdr: Xdr<'a>) -> Option<()> {
        xdr.opaque()?;
        let count = xdr.u32()?;
        for _ in 0..usize::try_from(count).unwrap_or(MOST_OPERATIONS).min(MOST_OPERATIONS) {
            let (Some(number), Some(0)) = (xdr.u32(), xdr.u32()) else { break };
            match number {
                operation::PUTFH
                | operation::PUTROOTFH
                | operation::PUTPUBFH
                | operation::SAVEFH
                | operation::RESTOREFH
                | operation::LOOKUP
                | operation::RENEW => {}
                operation::SEQUENCE => _ = xdr.fixed(36)?,
                operation::ACCESS => _ = xdr.u64()?,
                operation::CLOSE => _ = xdr.fixed(16)?,
                operation::GETATTR => {
                    bitmap(&mut xdr)?;
                    xdr.opaque()?;
                }
                operation::GETFH => self.handle = Some(handle(&mut xdr)?),
                operation::READ => {
                    let end = xdr.u32()? != 0;
                    self.data = Some((data(&mut xdr)?, end));
                }
                _ => break,
            }
        }
        Some(())
    }
}

fn handle(xdr: &mut Xdr<'_>) -> Option<Handle> {
    xdr.opaque().filter(|handle| handle.len() <= MOST_HANDLE).map(<[u8]>::to_vec)
}

fn name(xdr: &mut Xdr<'_>) -> Option<Vec<u8>> {
    xdr.opaque().map(|name| name.get(..MOST_NAME).unwrap_or(name).to_vec())
}

fn bitmap(xdr: &mut Xdr<'_>) -> Option<()> {
    let words = usize::try_from(xdr.u32()?).ok()?;
    xdr.fixed(words.checked_mul(4)?).map(|_| ())
}

/// Data behind their length, which may be more than what is there.
fn data<'a>(xdr: &mut Xdr<'a>) -> Option<Data<'a>> {
    let length = usize::try_from(xdr.u32()?).ok()?;
    let there = xdr.0.get(..length).unwrap_or(xdr.0);
    xdr.0 = xdr.0.get(length.next_multiple_of(4)..).unwrap_or_default();
    Some(Data { there, missing: length - there.len() })
}

/// Whether the record of a call is about what it gives.
pub(super) fn looks_up(version: u32, procedure: u32) -> bool {
    matches!((version, procedure), (3, procedure::LOOKUP) | (2, procedure::LOOKUP_2))
}

/// The number under which a version reads files.
pub(super) fn read(version: u32) -> u32 {
    if version == 4 { operation::READ } else { procedure::READ }
}
