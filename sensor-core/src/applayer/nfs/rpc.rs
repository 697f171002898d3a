//! Calls and replies of ONC RPC (RFC 5531), and the numbers and texts in them (RFC 4506).

/// Reads big-endian fields, each padded to four bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Xdr<'a>(pub &'a [u8]);

impl<'a> Xdr<'a> {
    pub(super) fn u32(&mut self) -> Option<u32> {
        let (head, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*head))
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        Some(u64::from(self.u32()?) << 32 | u64::from(self.u32()?))
    }

    /// Bytes of a fixed length.
    pub(super) fn fixed(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(length)?;
        // What pads the last of a message may be left out.
        self.0 = rest.get(length.next_multiple_of(4) - length..).unwrap_or_default();
        Some(head)
    }

    /// Bytes behind their length.
    pub(super) fn opaque(&mut self) -> Option<&'a [u8]> {
        let length = self.u32()?;
        self.fixed(usize::try_from(length).ok()?)
    }
}

/// A call of NFS.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub id: u32,
    pub version: u32,
    pub procedure: u32,
    pub credentials: Credentials,
    pub arguments: Xdr<'a>,
}

/// Who calls.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Credentials {
    pub flavor: u32,
    /// Machine, user and group of AUTH_SYS (RFC 5531, appendix A).
    pub unix: Option<(Vec<u8>, u32, u32)>,
}

/// What answers a call.
#[derive(Debug)]
pub(super) struct Reply<'a> {
    pub id: u32,
    /// 0 if it was accepted.
    pub state: u32,
    /// How it went, where it was accepted, and what it gave: 0 is success.
    pub outcome: Option<(u32, Xdr<'a>)>,
}

/// A message.
#[derive(Debug)]
pub(super) enum Message<'a> {
    Call(Call<'a>),
    Reply(Reply<'a>),
    /// A call of another program.
    Other,
}

/// The program of NFS (RFC 1813, section 2).
pub(super) const NFS: u32 = 100_003;

/// The length that credentials and verifiers have at most (RFC 5531, section 8.2).
const MOST_AUTH: usize = 400;
/// Bytes of a machine's name (RFC 5531, appendix A).
const MOST_NAME: usize = 255;

impl<'a> Message<'a> {
    /// Reads a message without its record mark.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Message<'a>> {
        let mut xdr = Xdr(bytes);
        let (id, kind) = (xdr.u32()?, xdr.u32()?);
        if kind == 1 {
            let state = xdr.u32()?;
            if state != 0 {
                return Some(Message::Reply(Reply { id, state, outcome: None }));
            }
            auth(&mut xdr)?;
            let status = xdr.u32()?;
            return Some(Message::Reply(Reply { id, state, outcome: Some((status, xdr)) }));
        }
        if kind != 0 || xdr.u32()? != 2 {
            return None;
        }
        let (program, version, procedure) = (xdr.u32()?, xdr.u32()?, xdr.u32()?);
        if program != NFS {
            return Some(Message::Other);
        }
        let (flavor, body) = auth(&mut xdr)?;
        auth(&mut xdr)?;
        let unix = if flavor == 1 { unix(Xdr(body)) } else { None };
        let credentials = Credentials { flavor, unix };
        Some(Message::Call(Call { id, version, procedure, credentials, arguments: xdr }))
    }
}

fn auth<'a>(xdr: &mut Xdr<'a>) -> Option<(u32, &'a [u8])> {
    let flavor = xdr.u32()?;
    let body = xdr.opaque().filter(|body| body.len() <= MOST_AUTH)?;
    Some((flavor, body))
}

fn unix(mut xdr: Xdr<'_>) -> Option<(Vec<u8>, u32, u32)> {
    xdr.u32()?;
    let name = xdr.opaque().filter(|name| name.len() <= MOST_NAME)?;
    Some((name.to_vec(), xdr.u32()?, xdr.u32()?))
}
