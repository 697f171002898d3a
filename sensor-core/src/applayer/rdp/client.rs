//! What a client tells of itself and its settings (MS-RDPBCGR, section 2.2.1.3).

use crate::discover::extract::reader::{Reader, find};

/// A client and its settings; what it leaves out is 0 or empty.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Client {
    pub version: u32,
    pub width: u16,
    pub height: u16,
    /// Bits of a colour.
    pub depth: u16,
    /// A Windows language.
    pub layout: u32,
    pub build: u32,
    pub name: String,
    pub keyboard: u32,
    pub function_keys: u32,
    pub product: u16,
    pub capabilities: u16,
    pub id: String,
    /// Names of its virtual channels.
    pub channels: Vec<Vec<u8>>,
}

/// Channels that a client may ask for (MS-RDPBCGR, section 2.2.1.3.4).
const MOST_CHANNELS: usize = 31;

impl Client {
    /// Reads an MCS connect initial with the client's data in it.
    pub(super) fn read(message: &[u8]) -> Option<Client> {
        // The key of Microsoft's data in a conference's creation, and the length in PER behind it (T.124, section 8.7).
        let mut reader = Reader::new(message.get(find(message, b"Duca")? + 4..)?);
        if reader.u8()? & 0x80 != 0 {
            reader.skip(1)?;
        }
        let mut client = Client::default();
        while let (Some(kind), Some(length)) = (reader.le16(), reader.le16()) {
            let block = Reader::new(reader.take_up_to(usize::from(length).checked_sub(4)?));
            match kind {
                // The last fields may be missing: each is newer than the one before.
                0xc001 => _ = client.core(block),
                0xc003 => _ = client.network(block),
                _ => {}
            }
        }
        Some(client)
    }

    /// Client core data (section 2.2.1.3.2).
    fn core(&mut self, mut block: Reader<'_>) -> Option<()> {
        self.version = block.le32()?;
        self.width = block.le16()?;
        self.height = block.le16()?;
        self.depth = depth(block.le16()?);
        block.skip(2)?;
        self.layout = block.le32()?;
        self.build = block.le32()?;
        self.name = wide(block.take(32)?);
        self.keyboard = block.le32()?;
        block.skip(4)?;
        self.function_keys = block.le32()?;
        block.skip(64)?;
        self.depth = depth(block.le16()?);
        self.product = block.le16()?;
        block.skip(4)?;
        self.depth = block.le16().filter(|depth| *depth != 0).unwrap_or(self.depth);
        block.skip(2)?;
        self.capabilities = block.le16()?;
        self.id = wide(block.take(64)?);
        Some(())
    }

    /// Client network data (section 2.2.1.3.4).
    fn network(&mut self, mut block: Reader<'_>) -> Option<()> {
        let count = usize::try_from(block.le32()?).ok()?;
        for _ in 0..count.min(MOST_CHANNELS) {
            let name = block.take(8)?;
            block.skip(4)?;
            let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
            self.channels.push(name.get(..end)?.to_vec());
        }
        Some(())
    }

    pub(super) fn bytes(&self) -> usize {
        size_of::<Client>() + self.name.len() + self.id.len() + self.channels.len() * 32
    }
}

/// Bits of a colour by their code (RNS_UD_COLOR_4BPP and on).
fn depth(code: u16) -> u16 {
    match code {
        0xca00 => 4,
        0xca01 => 8,
        0xca02 => 15,
        0xca03 => 16,
        0xca04 => 24,
        _ => 0,
    }
}

/// Text in UTF-16, up to its zero.
fn wide(bytes: &[u8]) -> String {
    let units =
        bytes.chunks_exact(2).map(|pair| pair.iter().rev().fold(0, |sum: u16, byte| sum << 8 | u16::from(*byte)));
    char::decode_utf16(units.take_while(|unit| *unit != 0)).map(|unit| unit.unwrap_or('?')).collect()
}
