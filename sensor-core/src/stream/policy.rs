//! Which of two overlapping segments a host keeps.

/// What the receiving host does where segments that it holds out of order overlap.
///
/// The rules are those that Novak and Sturges found on real hosts ("Target-Based TCP Stream Reassembly", 2007), as the
/// field uses them since. Bytes that were in order are with the application and can't be taken back by any policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Policy {
    /// What came first stays.
    First,
    /// What came last stays.
    Last,
    /// BSD, AIX, and whatever is not known otherwise.
    #[default]
    Bsd,
    /// A policy of fragments; with segments nobody saw it, and it is taken as `First`, as Suricata does.
    BsdRight,
    /// Linux 2.4 and later.
    Linux,
    /// Linux 2.2 and earlier.
    OldLinux,
    /// Windows 95 to XP.
    Windows,
    /// Windows Server 2003.
    Windows2003,
    /// Windows Vista and later.
    WindowsVista,
    /// Solaris.
    Solaris,
    /// HP-UX 10.
    HpUx10,
    /// HP-UX 11.
    HpUx11,
    /// IRIX.
    Irix,
    /// macOS.
    MacOs,
}

impl Policy {
    /// Every policy.
    pub const ALL: [Policy; 14] = [
        Policy::First,
        Policy::Last,
        Policy::Bsd,
        Policy::BsdRight,
        Policy::Linux,
        Policy::OldLinux,
        Policy::Windows,
        Policy::Windows2003,
        Policy::WindowsVista,
        Policy::Solaris,
        Policy::HpUx10,
        Policy::HpUx11,
        Policy::Irix,
        Policy::MacOs,
    ];

    /// The name in settings, as Suricata's `host-os-policy` spells it.
    pub fn name(self) -> &'static str {
        match self {
            Policy::First => "first",
            Policy::Last => "last",
            Policy::Bsd => "bsd",
            Policy::BsdRight => "bsd-right",
            Policy::Linux => "linux",
            Policy::OldLinux => "old-linux",
            Policy::Windows => "windows",
            Policy::Windows2003 => "windows2k3",
            Policy::WindowsVista => "vista",
            Policy::Solaris => "solaris",
            Policy::HpUx10 => "hpux10",
            Policy::HpUx11 => "hpux11",
            Policy::Irix => "irix",
            Policy::MacOs => "macos",
        }
    }

    /// The policy of that name.
    pub fn from_name(name: &str) -> Option<Policy> {
        Policy::ALL.into_iter().find(|policy| policy.name() == name)
    }

    /// True if a RST anywhere in the window ends the connection; the others follow RFC 5961 section 3.2 and want it at
    /// the next number.
    pub(super) fn takes_reset_in_window(self) -> bool {
        matches!(self, Policy::OldLinux | Policy::Solaris | Policy::HpUx10 | Policy::HpUx11 | Policy::Irix)
    }

    /// True if the new segment's bytes replace the old one's where both have some. `after_hole`: segments are held
    /// before the old one, and a hole lies between.
    pub(super) fn new_wins(self, new: Extent, old: Extent, after_hole: bool) -> bool {
        let starts_before = new.start < old.start;
        let starts_with = new.start == old.start;
        // The policies tell apart: old begins earlier, new ends inside old, new covers old.
        let covers = new.start <= old.start && new.end >= old.end;
        match self {
            Policy::First | Policy::BsdRight | Policy::WindowsVista => false,
            Policy::Last => true,
            Policy::Bsd | Policy::Windows | Policy::Windows2003 | Policy::MacOs => starts_before,
            Policy::Linux | Policy::HpUx10 | Policy::Irix => starts_before || (starts_with && new.end > old.end),
            Policy::OldLinux => starts_before || (starts_with && covers),
            Policy::Solaris | Policy::HpUx11 if starts_with && new.end == old.end => !after_hole,
            Policy::Solaris | Policy::HpUx11 => covers || (new.start > old.start && new.end > old.end),
        }
    }
}

/// Where a segment lies, as distances from one point in sequence space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// First byte.
    pub start: i64,
    /// After the last byte.
    pub end: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For each policy what stands when the new segment lies over old 4..8 in eight ways: n new, o old.
    const TABLE: &[(Policy, &str)] = &[
        (Policy::First, "oooooooo"),
        (Policy::Last, "nnnnnnnn"),
        (Policy::Bsd, "nnnooooo"),
        (Policy::BsdRight, "oooooooo"),
        (Policy::Linux, "nnnoonoo"),
        (Policy::OldLinux, "nnnonnoo"),
        (Policy::Windows, "nnnooooo"),
        (Policy::Windows2003, "nnnooooo"),
        (Policy::WindowsVista, "oooooooo"),
        (Policy::Solaris, "onnoonon"),
        (Policy::HpUx10, "nnnoonoo"),
        (Policy::HpUx11, "onnoonon"),
        (Policy::Irix, "nnnoonoo"),
        (Policy::MacOs, "nnnooooo"),
    ];

    /// Before and into; before to the end; before and past; with the start, shorter; the same; with the start, longer;
    /// inside; from inside past the end.
    const OVERLAPS: [(i64, i64); 8] = [(2, 6), (2, 8), (2, 10), (4, 6), (4, 8), (4, 10), (5, 7), (6, 10)];

    #[test]
    fn each_policy_decides_the_eight_overlaps() {
        assert_eq!(TABLE.len(), Policy::ALL.len());
        for (policy, expected) in TABLE {
            let old = Extent { start: 4, end: 8 };
            let got: String = OVERLAPS
                .iter()
                .map(|&(start, end)| if policy.new_wins(Extent { start, end }, old, true) { 'n' } else { 'o' })
                .collect();
            assert_eq!(&got, expected, "{policy:?}");
        }
        // Solaris: an equal segment replaces the old one unless that stands behind a hole in what is held.
        let same = Extent { start: 4, end: 8 };
        assert!(Policy::Solaris.new_wins(same, same, false));
    }

    #[test]
    fn names_lead_back() {
        for policy in Policy::ALL {
            assert_eq!(Policy::from_name(policy.name()), Some(policy));
        }
        assert_eq!(Policy::from_name("amiga"), None);
    }
}
