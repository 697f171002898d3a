//! Data sets, reputations and lists of hashes: what files bring, and what rules add while they run.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use foldhash::fast::RandomState;
use serde_json::Value;

use super::reload::Renumbered;
use super::verify::{self, decode_base64};
use crate::rules::ast::{DatasetCommand, DatasetKind};

/// What a file gives a data set; nothing, where it has no file.
#[derive(Debug, Clone, Default)]
pub(super) struct List {
    /// The data and its reputation, 0 where it has none.
    entries: HashMap<Box<[u8]>, u16, RandomState>,
    /// Names below one that is in are in too.
    subdomains: bool,
}

/// Where a file of JSON has the data. Keys are paths, with dots between their parts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Json<'a> {
    /// Each line is an object; else the file is a list, or has one.
    pub(super) lines: bool,
    /// The key of the list, if the file is none itself.
    pub(super) list: Option<&'a str>,
    /// The key of the data in an item.
    pub(super) value: &'a str,
}

fn at<'a>(from: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(from, |value, key| value.get(key))
}

impl List {
    /// Reads lines `data[,reputation]`: text in base64, hashes in hexadecimal, addresses as they are written. The error
    /// names the line.
    pub(super) fn read(kind: DatasetKind, subdomains: bool, file: &[u8]) -> Result<List, String> {
        let mut entries = HashMap::default();
        for (number, line) in (1_u32..).zip(file.split(|byte| *byte == b'\n')) {
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            if entries.len() >= MOST_ENTRIES {
                return Err(format!("more than {MOST_ENTRIES} lines"));
            }
            let (data, reputation) = match line.iter().position(|byte| *byte == b',') {
                Some(at) => (line.get(..at).unwrap_or_default(), line.get(at + 1..)),
                None => (line, None),
            };
            let reputation = match reputation.map(|it| std::str::from_utf8(it).map(|it| it.trim().parse())) {
                None => 0,
                Some(Ok(Ok(reputation))) => reputation,
                Some(_) => return Err(format!("line {number}: the reputation is no number below 65536")),
            };
            let entry =
                entry(kind, data.trim_ascii()).ok_or_else(|| format!("line {number} is none of the set's kind"))?;
            entries.insert(entry, reputation);
        }
        Ok(List { entries, subdomains })
    }

    /// Reads a file of JSON. Text stands in it as it is.
    pub(super) fn read_json(kind: DatasetKind, subdomains: bool, form: &Json<'_>, file: &[u8]) -> Result<List, String> {
        let mut entries = HashMap::default();
        let mut take = |item: &Value| {
            let value = at(item, form.value).and_then(Value::as_str);
            let value = value.ok_or_else(|| format!("{} is missing or no text", form.value))?;
            let entry = match kind {
                DatasetKind::String => Some(value.as_bytes().into()),
                DatasetKind::Md5 | DatasetKind::Sha256 | DatasetKind::Ipv4 | DatasetKind::Ip => {
                    entry(kind, value.as_bytes())
                }
            };
            entries.insert(entry.ok_or_else(|| format!("{value} is none of the set's kind"))?, 0);
            if entries.len() > MOST_ENTRIES { Err(format!("more than {MOST_ENTRIES} entries")) } else { Ok(()) }
        };
        if form.lines {
            let lines = (1_u32..).zip(file.split(|byte| *byte == b'\n'));
            for (number, line) in lines.filter(|(_, line)| !line.trim_ascii().is_empty()) {
                let item = serde_json::from_slice(line).map_err(|error| error.to_string());
                item.and_then(|item| take(&item)).map_err(|reason| format!("line {number}: {reason}"))?;
            }
        } else {
            let all: Value = serde_json::from_slice(file).map_err(|error| error.to_string())?;
            let list = form.list.map_or(Some(&all), |path| at(&all, path)).and_then(Value::as_array);
            list.ok_or("there is no list in it")?.iter().try_for_each(&mut take)?;
        }
        Ok(List { entries, subdomains })
    }

    fn get(&self, data: &[u8]) -> Option<u16> {
        if let Some(reputation) = self.entries.get(data) {
            return Some(*reputation);
        }
        if !self.subdomains {
            return None;
        }
        let dots = data.iter().enumerate().filter(|(_, byte)| **byte == b'.').map(|(at, _)| at);
        let mut ends = dots.take(MOST_LABELS).flat_map(|at| [data.get(at..), data.get(at + 1..)]).flatten();
        ends.find_map(|end| self.entries.get(end)).copied()
    }
}

/// A line of a list of hashes: the hash, and whatever follows it.
pub(super) fn hashes(file: &[u8], len: usize) -> Result<HashSet<Box<[u8]>, RandomState>, String> {
    let mut all = HashSet::default();
    for (number, line) in (1_u32..).zip(file.split(|byte| *byte == b'\n')) {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        if all.len() >= MOST_ENTRIES {
            return Err(format!("more than {MOST_ENTRIES} lines"));
        }
        let hash = line.get(..len * 2).and_then(hexadecimal);
        all.insert(hash.ok_or_else(|| format!("line {number} does not begin with a hash"))?);
    }
    Ok(all)
}

fn entry(kind: DatasetKind, text: &[u8]) -> Option<Box<[u8]>> {
    let address = || std::str::from_utf8(text).ok()?.parse().ok();
    match kind {
        DatasetKind::String => {
            let mut out = Vec::new();
            decode_base64(text, &mut out).then(|| out.into())
        }
        DatasetKind::Md5 => hexadecimal(text).filter(|hash| hash.len() == 16),
        DatasetKind::Sha256 => hexadecimal(text).filter(|hash| hash.len() == 32),
        DatasetKind::Ipv4 => match address()? {
            IpAddr::V4(ip) => Some(ip.octets().into()),
            IpAddr::V6(_) => None,
        },
        DatasetKind::Ip => Some(match address()? {
            IpAddr::V4(ip) => ip.octets().into(),
            IpAddr::V6(ip) => ip.octets().into(),
        }),
    }
}

fn hexadecimal(text: &[u8]) -> Option<Box<[u8]>> {
    let digit = |byte: u8| (byte as char).to_digit(16);
    let (pairs, []) = text.as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()).collect()
}

/// Data sets while rules run: what their files gave, and what rules put in and took out since. Rules' own entries are
/// bounded in all; no more are taken when there is no room.
#[derive(Debug)]
pub(super) struct Datasets {
    lists: Box<[List]>,
    added: HashSet<(u32, Box<[u8]>), RandomState>,
    most: usize,
}

impl Datasets {
    pub(super) fn new(lists: &[List], most: usize) -> Datasets {
        Datasets { lists: lists.into(), added: HashSet::default(), most }
    }

    /// Other rules run: their files' lists take the place of those before, what rules put in goes on.
    pub(super) fn replace(&mut self, lists: &[List], to: &Renumbered) {
        let added = std::mem::take(&mut self.added);
        self.added = added.into_iter().filter_map(|(set, data)| Some((to.dataset(set)?, data))).collect();
        self.lists = lists.into();
    }

    fn has(&self, set: u32, entry: &(u32, Box<[u8]>)) -> bool {
        self.added.contains(entry) || self.list(set, &entry.1).is_some()
    }

    /// Whether an option with that command would match.
    pub(super) fn would(&self, set: u32, command: DatasetCommand, data: &[u8]) -> bool {
        let has = self.has(set, &(set, data.into()));
        match command {
            DatasetCommand::Set => !has && self.added.len() < self.most,
            DatasetCommand::IsNotSet => !has,
            DatasetCommand::Unset | DatasetCommand::IsSet => has,
        }
    }

    /// The reputation that its file gives data.
    pub(super) fn rank(&self, set: u32, data: &[u8]) -> Option<u16> {
        self.list(set, data)
    }

    fn list(&self, set: u32, data: &[u8]) -> Option<u16> {
        self.lists.get(set as usize)?.get(data)
    }
}

impl verify::Sets for Datasets {
    fn dataset(&mut self, set: u32, command: DatasetCommand, data: &[u8]) -> bool {
        let entry = (set, data.into());
        match command {
            DatasetCommand::Set => !self.has(set, &entry) && self.added.len() < self.most && self.added.insert(entry),
            DatasetCommand::Unset => {
                let listed = self.lists.get_mut(set as usize).is_some_and(|list| list.entries.remove(data).is_some());
                self.added.remove(&entry) || listed
            }
            DatasetCommand::IsSet => self.has(set, &entry),
            DatasetCommand::IsNotSet => !self.has(set, &entry),
        }
    }

    fn reputation(&mut self, set: u32, data: &[u8]) -> Option<u16> {
        self.list(set, data)
    }
}

/// Most lines of one file.
const MOST_ENTRIES: usize = 1 << 22;

/// Labels of a name that are tried (RFC 1035 section 2.3.4 leaves room for 127).
const MOST_LABELS: usize = 127;

#[cfg(test)]
mod tests {
    use super::verify::Sets;
    use super::*;

    #[test]
    fn files_are_read_by_kind_and_faults_name_their_line() {
        let list = List::read(DatasetKind::String, false, b"YWJj,7\n# x\n\nZGVm\r\n").unwrap();
        assert_eq!((list.get(b"abc"), list.get(b"def"), list.get(b"x")), (Some(7), Some(0), None));
        let list = List::read(DatasetKind::Ipv4, false, b"10.0.0.1,300\n").unwrap();
        assert_eq!(list.get(&[10, 0, 0, 1]), Some(300));
        let said = |kind, file: &[u8]| List::read(kind, false, file).unwrap_err();
        assert!(said(DatasetKind::Md5, b"00\n").starts_with("line 1 "));
        assert!(said(DatasetKind::String, b"YWJj\nYWJj,70000").starts_with("line 2: the reputation"));
        assert_eq!(hashes(b"900150983cd24fb0d6963f7d28e17f72  a.txt\n", 16).unwrap().len(), 1);
        assert!(hashes(b"9001\n", 16).is_err());
    }

    #[test]
    fn json_has_its_data_under_a_key() {
        let read = |json: Json<'_>, file: &[u8]| List::read_json(DatasetKind::String, false, &json, file);
        let lines = Json { lines: true, list: None, value: "host.name" };
        let list = read(lines, b"{\"host\":{\"name\":\"a\"}}\n\n{\"host\":{\"name\":\"b\"},\"x\":1}\n").unwrap();
        assert_eq!((list.get(b"a"), list.get(b"b"), list.get(b"x")), (Some(0), Some(0), None));
        assert!(read(lines, b"{\"host\":{\"name\":\"a\"}}\n{}").unwrap_err().starts_with("line 2: host.name"));
        let whole = Json { lines: false, list: Some("of.all"), value: "ip" };
        let list =
            List::read_json(DatasetKind::Ip, false, &whole, b"{\"of\":{\"all\":[{\"ip\":\"10.0.0.1\"}]}}").unwrap();
        assert_eq!(list.get(&[10, 0, 0, 1]), Some(0));
        assert!(read(whole, b"[]").is_err() && read(Json { list: None, ..whole }, b"[]").is_ok());
    }

    #[test]
    fn names_below_one_that_is_in() {
        let list = List::read(DatasetKind::String, true, b"LmV2aWwuY29t\n").unwrap();
        assert_eq!((list.get(b".evil.com"), list.get(b".www.evil.com")), (Some(0), Some(0)));
        assert_eq!((list.get(b".notevil.com"), list.get(b"com")), (None, None));
    }

    #[test]
    fn rules_add_to_sets_up_to_the_bound() {
        let list = List::read(DatasetKind::String, false, b"YWJj\n").unwrap();
        let mut sets = Datasets::new(&[list], 1);
        assert!(!sets.dataset(0, DatasetCommand::Set, b"abc"));
        assert!(sets.dataset(0, DatasetCommand::Set, b"x") && !sets.dataset(0, DatasetCommand::Set, b"y"));
        assert!(sets.dataset(0, DatasetCommand::IsSet, b"x") && sets.dataset(0, DatasetCommand::IsNotSet, b"y"));
        assert!(sets.dataset(0, DatasetCommand::Unset, b"abc") && !sets.dataset(0, DatasetCommand::IsSet, b"abc"));
    }
}
