//! Operating systems by the way they open TCP connections, and by what they say of themselves.

mod said;

pub use said::{dhcp, ntlm, server_product, ssh_comment, user_agent, vendor_class};

/// What a SYN or SYN-ACK shows of its sender's stack.
#[derive(Clone, Copy, Debug)]
pub struct Syn<'a> {
    /// It is a SYN-ACK.
    pub answer: bool,
    /// IPv6: there is no identification and no DF.
    pub v6: bool,
    /// TTL or hop limit as it arrived.
    pub ttl: u8,
    /// IPv4 identification.
    pub identification: u16,
    /// IPv4 don't-fragment.
    pub dont_fragment: bool,
    /// TCP window, not scaled.
    pub window: u16,
    /// TCP options as they stand behind the header.
    pub options: &'a [u8],
}

/// An operating system as one kind of evidence has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct System {
    /// `Linux`, `Windows`, `macOS` and the like.
    pub family: &'static str,
    /// Version or kind; may be empty.
    pub version: &'static str,
    /// 0-100: 90 one system only, 60 a family's habit, 30 a hint.
    pub confidence: u8,
}

/// What opens connections that no operating system opens like that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scanner {
    /// Nmap's half-open scan: windows of 1024 to 4096, an MSS of 1460 and no other option.
    Nmap,
    /// ZMap's default: identification 54321.
    Zmap,
    /// Masscan's default: no option, window 1024, high TTL.
    Masscan,
    /// Scapy's default: identification 1, window 8192, no option, DF not set.
    Scapy,
}

/// The outcome of a look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A system's own stack.
    System(System),
    /// A tool that crafts its packets.
    Scanner(Scanner),
}

/// The table of SYN and SYN-ACK shapes. Built once; look-ups allocate nothing.
#[derive(Clone, Debug)]
pub struct Signatures {
    /// Sorted by packet kind and layout, in file order within.
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    answer: bool,
    layout: u64,
    /// `None` takes any.
    ttl: Option<u8>,
    window: Window,
    scale: Scale,
    quirk: Quirk,
    system: System,
}

#[derive(Clone, Copy, Debug)]
enum Window {
    Any,
    Between(u16, u16),
    Segments(u16),
}

#[derive(Clone, Copy, Debug)]
enum Scale {
    Any,
    None,
    Between(u8, u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quirk {
    Any,
    Df,
    NoDf,
    ZeroId,
    SomeId,
}

/// What the options say.
#[derive(Clone, Copy, Debug, Default)]
struct Options {
    /// Four bits an option, in order; at most 16.
    layout: u64,
    mss: u16,
    scale: Option<u8>,
    timestamp: bool,
}

const TABLE: &str = include_str!("syn.tsv");

impl Signatures {
    /// The table shipped.
    pub fn new() -> Self {
        let lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut rules: Vec<Rule> = lines.filter_map(Rule::parse).collect();
        rules.sort_by_key(|rule| (rule.answer, rule.layout));
        Signatures { rules }
    }

    /// Who sends such a packet, if the table knows.
    pub fn look_up(&self, syn: &Syn<'_>) -> Option<Origin> {
        let options = Options::parse(syn.options);
        if let Some(scanner) = Scanner::of(syn, &options) {
            return Some(Origin::Scanner(scanner));
        }
        let key = (syn.answer, options.layout);
        let from = self.rules.partition_point(|rule| (rule.answer, rule.layout) < key);
        let rules = self.rules.get(from..)?.iter().take_while(|rule| (rule.answer, rule.layout) == key);
        let mut rules = rules.filter(|rule| rule.matches(syn, &options));
        rules.next().map(|rule| Origin::System(rule.system))
    }
}

impl Default for Signatures {
    fn default() -> Self {
        Self::new()
    }
}

/// The TTL a packet set out with: stacks use 32, 64, 128 or 255, and paths are shorter than 32 hops or so.
pub fn initial_ttl(ttl: u8) -> u8 {
    match ttl {
        0..=32 => 32,
        33..=64 => 64,
        65..=128 => 128,
        129..=255 => 255,
    }
}

impl Rule {
    /// Reads a line of the table; a test holds that every line can be read.
    fn parse(line: &'static str) -> Option<Rule> {
        let mut fields = line.split('\t');
        let answer = match fields.next()? {
            "syn" => false,
            "syn-ack" => true,
            _ => return None,
        };
        let (family, version) = (fields.next()?, fields.next()?);
        let confidence = fields.next()?.parse().ok()?;
        let ttl = match fields.next()? {
            "*" => None,
            field => Some(field.parse().ok()?),
        };
        let window = match fields.next()? {
            "*" => Window::Any,
            field if field.starts_with('m') => Window::Segments(field.get(1..)?.parse().ok()?),
            field => {
                let (low, high) = field.split_once('-').unwrap_or((field, field));
                Window::Between(low.parse().ok()?, high.parse().ok()?)
            }
        };
        let scale = match fields.next()? {
            "*" => Scale::Any,
            "-" => Scale::None,
            field => {
                let (low, high) = field.split_once('-').unwrap_or((field, field));
                Scale::Between(low.parse().ok()?, high.parse().ok()?)
            }
        };
        let mut layout = 0;
        for letter in fields.next()?.chars().filter(|letter| *letter != '0') {
            layout = (layout << 4) | (1 + "NEMWST".find(letter)? as u64);
        }
        let quirk = match fields.next()? {
            "*" => Quirk::Any,
            "df" => Quirk::Df,
            "nodf" => Quirk::NoDf,
            "id0" => Quirk::ZeroId,
            "id+" => Quirk::SomeId,
            _ => return None,
        };
        Some(Rule { answer, layout, ttl, window, scale, quirk, system: System { family, version, confidence } })
    }

    fn matches(&self, syn: &Syn<'_>, options: &Options) -> bool {
        let window = match self.window {
            Window::Any => true,
            Window::Between(low, high) => (low..=high).contains(&syn.window),
            Window::Segments(n) => options.window_is(syn.window, n),
        };
        let scale = match (self.scale, options.scale) {
            (Scale::Any, _) | (Scale::None, None) => true,
            (Scale::Between(low, high), Some(scale)) => (low..=high).contains(&scale),
            (Scale::None, Some(_)) | (Scale::Between(..), None) => false,
        };
        let quirk = syn.v6
            || match self.quirk {
                Quirk::Any => true,
                Quirk::Df => syn.dont_fragment,
                Quirk::NoDf => !syn.dont_fragment,
                Quirk::ZeroId => syn.dont_fragment && syn.identification == 0,
                Quirk::SomeId => syn.dont_fragment && syn.identification != 0,
            };
        window && scale && quirk && self.ttl.is_none_or(|ttl| ttl == initial_ttl(syn.ttl))
    }
}

impl Options {
    fn parse(mut rest: &[u8]) -> Options {
        let mut found = Options::default();
        let mut count = 0;
        while let [kind, tail @ ..] = rest {
            if count == 16 {
                break;
            }
            let code = match kind {
                0 => 2,
                1 => 1,
                2 => 3,
                3 => 4,
                4 => 5,
                8 => 6,
                30 | 34 | 254 => 0,
                _ => 7,
            };
            if code != 0 {
                found.layout = found.layout << 4 | code;
                count += 1;
            }
            match kind {
                0 => break,
                1 => {
                    rest = tail;
                    continue;
                }
                _ => {}
            }
            let Some(body) = tail.first().and_then(|length| rest.get(2..usize::from(*length))) else { break };
            match (kind, body) {
                (2, [high, low]) => found.mss = u16::from_be_bytes([*high, *low]),
                (3, [scale]) => found.scale = Some(*scale),
                (8, _) => found.timestamp = true,
                _ => {}
            }
            rest = rest.get(2 + body.len()..).unwrap_or_default();
        }
        found
    }

    /// Whether the window is `n` segments: of the MSS told, or of Ethernet's where a router on the path lowered it;
    /// with 12 bytes less where timestamps take them.
    fn window_is(&self, window: u16, n: u16) -> bool {
        let segments = [self.mss, self.mss.saturating_sub(12), 1460, 1448, 1440, 1428];
        let known = if self.mss < 1460 { 6 } else { 2 };
        segments.iter().take(known).any(|segment| *segment > 0 && segment.checked_mul(n) == Some(window))
    }
}

impl Scanner {
    fn of(syn: &Syn<'_>, options: &Options) -> Option<Scanner> {
        // M alone is 3, no option is 0.
        if syn.answer || syn.v6 {
            return None;
        }
        let plain = matches!(options.layout, 0 | 3);
        if plain && syn.identification == 54321 {
            return Some(Scanner::Zmap);
        }
        if options.layout == 0 && syn.window == 1024 && syn.ttl > 128 {
            return Some(Scanner::Masscan);
        }
        let scapy = options.layout == 0 && syn.window == 8192 && syn.identification == 1 && !syn.dont_fragment;
        if scapy && syn.ttl <= 64 {
            return Some(Scanner::Scapy);
        }
        let nmap = options.layout == 3
            && options.mss == 1460
            && matches!(syn.window, 1024 | 2048 | 3072 | 4096)
            && !syn.dont_fragment
            && syn.ttl <= 64;
        nmap.then_some(Scanner::Nmap)
    }

    /// The tool's name.
    pub fn name(self) -> &'static str {
        match self {
            Scanner::Nmap => "Nmap",
            Scanner::Zmap => "ZMap",
            Scanner::Masscan => "masscan",
            Scanner::Scapy => "Scapy",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// mss 1460, sackOK, timestamp, nop, scale 7.
    const LINUX: [u8; 20] = [2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7];
    /// mss 1460, nop, scale 8, nop, nop, sackOK.
    const WINDOWS: [u8; 12] = [2, 4, 5, 180, 1, 3, 3, 8, 1, 1, 4, 2];

    fn syn(ttl: u8, window: u16, options: &[u8]) -> Syn<'_> {
        Syn { answer: false, v6: false, ttl, identification: 4711, dont_fragment: true, window, options }
    }

    fn system(origin: Option<Origin>) -> (&'static str, &'static str) {
        match origin {
            Some(Origin::System(system)) => (system.family, system.version),
            Some(Origin::Scanner(scanner)) => (scanner.name(), "scanner"),
            None => ("", ""),
        }
    }

    #[test]
    fn every_line_of_the_table_is_read() {
        let lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        for line in lines {
            assert!(Rule::parse(line).is_some(), "{line}");
        }
        assert!(Signatures::new().rules.len() > 90);
    }

    #[test]
    fn systems_are_told_from_their_syn() {
        let table = Signatures::new();
        assert_eq!(system(table.look_up(&syn(57, 64240, &LINUX))), ("Linux", "4.19 or newer"));
        assert_eq!(system(table.look_up(&syn(64, 5840, &LINUX))), ("Linux", "2.6"));
        assert_eq!(system(table.look_up(&syn(64, 14600, &LINUX))), ("Linux", "3.1-3.10"));
        assert_eq!(system(table.look_up(&syn(116, 64240, &WINDOWS))), ("Windows", "10 or newer"));
        assert_eq!(system(table.look_up(&syn(128, 8192, &WINDOWS))), ("Windows", "7 or 8"));
        // The order of options says more than a TTL, which is easily set: but the confidence falls.
        let Some(Origin::System(odd)) = table.look_up(&syn(128, 64240, &LINUX)) else { panic!() };
        assert_eq!((odd.family, odd.confidence), ("Linux", 40));
        let mac = [&[2, 4, 5, 180, 1, 3, 3, 6, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 4, 2, 0, 0][..]].concat();
        assert_eq!(system(table.look_up(&syn(64, 65535, &mac))), ("macOS", "10.11 or newer, or iOS"));
    }

    #[test]
    fn a_lowered_mss_does_not_hide_the_window() {
        let mut clamped = LINUX;
        clamped[3] = 120;
        assert_eq!(system(Signatures::new().look_up(&syn(50, 64240, &clamped))), ("Linux", "4.19 or newer"));
    }

    #[test]
    fn scanners_are_no_systems() {
        let table = Signatures::new();
        let mss = [2, 4, 5, 180];
        let nmap = Syn { dont_fragment: false, ..syn(51, 1024, &mss) };
        assert_eq!(system(table.look_up(&nmap)), ("Nmap", "scanner"));
        let zmap = Syn { identification: 54321, ..syn(240, 65535, &[]) };
        assert_eq!(system(table.look_up(&zmap)), ("ZMap", "scanner"));
        assert_eq!(system(table.look_up(&syn(240, 1024, &[]))), ("masscan", "scanner"));
    }

    #[test]
    fn options_that_lie_about_their_length_end_the_list() {
        let table = Signatures::new();
        for options in [&[2, 0][..], &[2, 1], &[2], &[8, 255, 0], &[3, 3], &[5, 2, 5, 2]] {
            table.look_up(&syn(64, 1, options));
        }
        let many = [1u8; 40];
        assert_eq!(table.look_up(&syn(64, 1, &many)), None);
    }
}
