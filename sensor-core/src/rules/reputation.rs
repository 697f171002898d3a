//! Reputations of addresses, as lists beside the rules give them: `iprep` asks for them.

use std::collections::HashMap;
use std::net::IpAddr;

use foldhash::fast::RandomState;

/// Categories by name, and scores of addresses and networks in each.
#[derive(Debug, Clone, Default)]
pub struct Reputations {
    categories: HashMap<Box<str>, u8, RandomState>,
    /// By network and category. IPv4 stands as `::ffff:a.b.c.d`, as in packets.
    scores: HashMap<(u128, u8, u8), u8, RandomState>,
    /// Lengths of prefixes that some network has, the longest first.
    prefixes: Vec<u8>,
}

/// A line that is none: its number from 1, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct BadReputation {
    /// Its number, from 1.
    pub line: usize,
    /// For people.
    pub reason: &'static str,
}

impl Reputations {
    /// Reads a list of categories: lines `number,short name,description`, numbers from 1 to 60.
    ///
    /// # Errors
    /// The first line that is none.
    pub fn read_categories(&mut self, bytes: &[u8]) -> Result<(), BadReputation> {
        for (line, text) in lines(bytes) {
            let bad = |reason| BadReputation { line, reason };
            let mut parts = text.split(',').map(str::trim);
            let number = parts.next().and_then(|number| number.parse().ok()).filter(|number| (1..=60).contains(number));
            let number = number.ok_or_else(|| bad("a category has a number from 1 to 60"))?;
            let name =
                parts.next().filter(|name| !name.is_empty()).ok_or_else(|| bad("the category's name is missing"))?;
            self.categories.insert(name.into(), number);
        }
        Ok(())
    }

    /// Reads a list of addresses: lines `address or network,category's number,score`, scores from 0 to 127.
    ///
    /// # Errors
    /// The first line that is none, or more than four million of them.
    pub fn read(&mut self, bytes: &[u8]) -> Result<(), BadReputation> {
        for (line, text) in lines(bytes) {
            let bad = |reason| BadReputation { line, reason };
            let mut parts = text.split(',').map(str::trim);
            let (base, prefix) = parts.next().and_then(network).ok_or_else(|| bad("no address and no network"))?;
            let mut number =
                |most: u8| parts.next().and_then(|text| text.parse().ok()).filter(|number| *number <= most);
            let category = number(60).ok_or_else(|| bad("a category has a number from 1 to 60"))?;
            let score = number(127).ok_or_else(|| bad("a score is a number from 0 to 127"))?;
            if self.scores.len() >= MOST {
                return Err(bad("more addresses than there is room for"));
            }
            self.scores.insert((base, prefix, category), score);
            if let Err(at) = self.prefixes.binary_search_by(|known| prefix.cmp(known)) {
                self.prefixes.insert(at, prefix);
            }
        }
        Ok(())
    }

    /// The number of a category.
    #[must_use]
    pub fn category(&self, name: &str) -> Option<u8> {
        self.categories.get(name).copied()
    }

    /// The score of an address, as the narrowest network around it has it; `None` where nothing or 0 is said.
    #[must_use]
    pub fn score(&self, address: u128, category: u8) -> Option<u8> {
        let of = |prefix: &u8| self.scores.get(&(address & mask(*prefix), *prefix, category)).copied();
        self.prefixes.iter().find_map(of).filter(|score| *score > 0)
    }
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &str)> {
    let all = bytes.split(|byte| *byte == b'\n').map(|line| str::from_utf8(line).unwrap_or("?").trim());
    (1..).zip(all).filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

/// The first address of a network and the length of its prefix, counted in 128 bits.
fn network(text: &str) -> Option<(u128, u8)> {
    let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
    let (bits, before) = match address.parse().ok()? {
        IpAddr::V4(ip) => (ip.to_ipv6_mapped().to_bits(), 96),
        IpAddr::V6(ip) => (ip.to_bits(), 0),
    };
    let prefix = match prefix {
        None => 128,
        Some(prefix) => prefix.parse::<u8>().ok()?.checked_add(before).filter(|prefix| *prefix <= 128)?,
    };
    Some((bits & mask(prefix), prefix))
}

fn mask(prefix: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0)
}

/// Most entries of all lists.
const MOST: usize = 1 << 22;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_network_tells_the_score_of_an_address() {
        let mut all = Reputations::default();
        all.read_categories(b"# comment\n1,CnC,Command and control\n2, Bots ,x\n").unwrap();
        all.read(b"10.0.0.0/8,1,20\n10.1.0.0/16,1,30\r\n10.1.2.3,1,100\n2001:db8::/32,2,5\n10.9.9.9,1,0\n").unwrap();
        let of = |address: &str, category| {
            let bits = match address.parse().unwrap() {
                IpAddr::V4(ip) => ip.to_ipv6_mapped().to_bits(),
                IpAddr::V6(ip) => ip.to_bits(),
            };
            all.score(bits, category)
        };
        assert_eq!((all.category("CnC"), all.category("Bots"), all.category("bots")), (Some(1), Some(2), None));
        assert_eq!([of("10.1.2.3", 1), of("10.1.2.4", 1), of("10.2.0.0", 1)], [Some(100), Some(30), Some(20)]);
        assert_eq!([of("11.0.0.1", 1), of("10.1.2.3", 2), of("10.9.9.9", 1)], [None; 3]);
        assert_eq!([of("2001:db8::7", 2), of("2001:db9::7", 2)], [Some(5), None]);
    }

    #[test]
    fn faults_name_their_line() {
        let mut all = Reputations::default();
        assert_eq!(all.read_categories(b"1,a,b\n61,x,y\n").unwrap_err().line, 2);
        for bad in ["10.0.0.0/33,1,1", "10.0.0.1,1,128", "10.0.0.1,61,1", "host,1,1", "10.0.0.1"] {
            assert_eq!(all.read(format!("\n{bad}").as_bytes()).unwrap_err().line, 2, "{bad}");
        }
    }
}
