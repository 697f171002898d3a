//! Writes `src/discover/maker/makers.bin` from a list of hardware address prefixes: tab-separated prefix in hex, its
//! bits, and the holder's name.
//!
//! `cargo run -p sensor-core --example makers -- LIST src/discover/maker/makers.bin`

use std::collections::BTreeSet;
use std::error::Error;

use sensor_core::discover::maker::BLOCK;

/// Legal forms at a name's end that tell nothing of the maker.
const FORMS: [&str; 21] = [
    "inc",
    "incorporated",
    "ltd",
    "limited",
    "llc",
    "corp",
    "corporation",
    "co",
    "company",
    "gmbh",
    "ag",
    "kg",
    "sa",
    "srl",
    "spa",
    "bv",
    "ab",
    "as",
    "oy",
    "pty",
    "plc",
];
const MOST: usize = 40;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, list, out] = &arguments[..] else { return Err("usage: makers LIST OUT".into()) };
    let mut tables: [Vec<(u64, String)>; 3] = Default::default();
    for line in std::fs::read_to_string(list)?.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [prefix, bits, name] = &fields[..] else { continue };
        let kind = match *bits {
            "24" => 0,
            "28" => 1,
            "36" => 2,
            _ => continue,
        };
        // The prefix's bits stand on the left of 3, 4 or 5 bytes.
        let value = u64::from_str_radix(prefix, 16)? << (8 * (kind + 3) - 4 * prefix.len());
        let name = short(name);
        if !name.is_empty() && name != "Private" && name != "IEEE Registration Authority" {
            tables[kind].push((value, name));
        }
    }
    let names: BTreeSet<&String> = tables.iter().flatten().map(|(_, name)| name).collect();
    let names: Vec<&String> = names.into_iter().collect();
    let mut bytes = Vec::new();
    for table in &mut tables.clone() {
        table.sort();
        table.dedup_by_key(|(prefix, _)| *prefix);
        bytes.extend((table.len() as u32).to_be_bytes());
    }
    bytes.extend((names.len() as u32).to_be_bytes());
    for (kind, mut table) in tables.clone().into_iter().enumerate() {
        table.sort();
        table.dedup_by_key(|(prefix, _)| *prefix);
        for (prefix, name) in &table {
            bytes.extend(&prefix.to_be_bytes()[8 - (kind + 3)..]);
            let number = names.binary_search(&name).map_err(|_| "a name got lost")?;
            bytes.extend(u16::try_from(number)?.to_be_bytes());
        }
    }
    let (mut blocks, mut text, mut before) = (Vec::new(), Vec::new(), "");
    for (i, name) in names.iter().enumerate() {
        if i % BLOCK == 0 {
            blocks.extend((text.len() as u32).to_be_bytes());
            before = "";
        }
        let shared = before.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
        text.push(shared as u8);
        text.push((name.len() - shared) as u8);
        text.extend(&name.as_bytes()[shared..]);
        before = name.as_str();
    }
    bytes.extend(blocks);
    bytes.extend(text);
    std::fs::write(out, bytes)?;
    Ok(())
}

/// The name without its legal forms, at most [`MOST`] bytes.
fn short(name: &str) -> String {
    let mut words: Vec<&str> = name.split_whitespace().collect();
    while words.len() > 1 {
        let last = words[words.len() - 1].to_lowercase().replace(['.', ',', '/', '(', ')'], "");
        if !last.is_empty() && !FORMS.contains(&last.as_str()) {
            break;
        }
        words.pop();
    }
    let mut name = words.join(" ").trim_end_matches([',', ' ', '.']).to_owned();
    // `Co.,Ltd` is written in one word as often as in two.
    for form in [" Co.,Ltd", " Co.,Ltd.", " Co.,", " CO.,LTD", " CO., LTD", ",Ltd", ",Inc"] {
        name = name.strip_suffix(form).unwrap_or(&name).to_owned();
    }
    while name.len() > MOST {
        name.pop();
    }
    name.trim().to_owned()
}
