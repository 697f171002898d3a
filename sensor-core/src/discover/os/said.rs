//! Operating systems as programs name them: user agents, server headers, SSH comments, DHCP and NTLM.

use super::System;

/// What a kind of text has to hold for a system.
type Marks = &'static [(&'static str, &'static str, &'static str)];

/// Narrow marks stand before wide ones: Android's agents name Linux too, iPhones name Mac OS X.
const USER_AGENT: Marks = &[
    ("Windows Phone", "Windows", "Phone"),
    ("Windows NT 10.0", "Windows", "10 or newer"),
    ("Windows NT 6.3", "Windows", "8.1"),
    ("Windows NT 6.2", "Windows", "8"),
    ("Windows NT 6.1", "Windows", "7"),
    ("Windows NT 6.0", "Windows", "Vista"),
    ("Windows NT 5.2", "Windows", "2003"),
    ("Windows NT 5.1", "Windows", "XP"),
    ("Windows NT 5.0", "Windows", "2000"),
    ("Windows NT", "Windows", "NT"),
    ("Windows 98", "Windows", "98"),
    ("Windows CE", "Windows", "CE"),
    ("Windows-Update-Agent", "Windows", ""),
    ("Microsoft-CryptoAPI/10", "Windows", "10 or newer"),
    ("Microsoft-CryptoAPI", "Windows", ""),
    ("Microsoft NCSI", "Windows", ""),
    ("Microsoft WinRM Client", "Windows", ""),
    ("Microsoft BITS", "Windows", ""),
    ("WinHttp", "Windows", ""),
    ("Android", "Android", ""),
    ("Dalvik/", "Android", ""),
    ("okhttp/", "Android", ""),
    ("iPhone", "iOS", ""),
    ("iPad", "iOS", "iPadOS"),
    ("CFNetwork/", "macOS", "or iOS"),
    ("Mac OS X", "macOS", ""),
    ("Macintosh", "macOS", ""),
    ("darwin", "macOS", ""),
    ("Darwin", "macOS", "or iOS"),
    ("CrOS", "ChromeOS", ""),
    ("PlayStation", "PlayStation", ""),
    ("Nintendo", "Nintendo", ""),
    ("Tizen", "Tizen", ""),
    ("Ubuntu", "Linux", "Ubuntu"),
    ("Fedora", "Linux", "Fedora"),
    ("Debian", "Linux", "Debian"),
    ("Linux", "Linux", ""),
    ("linux", "Linux", ""),
    ("FreeBSD", "FreeBSD", ""),
    ("OpenBSD", "OpenBSD", ""),
    ("NetBSD", "NetBSD", ""),
    ("SunOS", "Solaris", ""),
];

const SERVER: Marks = &[
    ("Microsoft-IIS/10", "Windows", "Server 2016 or newer"),
    ("Microsoft-IIS/8.5", "Windows", "Server 2012 R2"),
    ("Microsoft-IIS/8.0", "Windows", "Server 2012"),
    ("Microsoft-IIS/7.5", "Windows", "Server 2008 R2"),
    ("Microsoft-IIS/7.0", "Windows", "Server 2008"),
    ("Microsoft-IIS/6", "Windows", "Server 2003"),
    ("Microsoft-IIS/5", "Windows", "2000 or XP"),
    ("Microsoft", "Windows", ""),
    ("Win32", "Windows", ""),
    ("Win64", "Windows", ""),
    ("Ubuntu", "Linux", "Ubuntu"),
    ("Debian", "Linux", "Debian"),
    ("Raspbian", "Linux", "Raspbian"),
    ("CentOS", "Linux", "CentOS"),
    ("Red Hat", "Linux", "Red Hat"),
    ("Fedora", "Linux", "Fedora"),
    ("SUSE", "Linux", "SUSE"),
    ("StartCom", "Linux", "StartCom"),
    ("Gentoo", "Linux", "Gentoo"),
    ("Linux", "Linux", ""),
    ("FreeBSD", "FreeBSD", ""),
    ("OpenBSD", "OpenBSD", ""),
    ("Darwin", "macOS", ""),
];

const SSH: Marks = &[
    ("Ubuntu", "Linux", "Ubuntu"),
    ("Debian", "Linux", "Debian"),
    ("Raspbian", "Linux", "Raspbian"),
    ("FreeBSD", "FreeBSD", ""),
    ("NetBSD", "NetBSD", ""),
    ("for_Windows", "Windows", ""),
    ("Sun_SSH", "Solaris", ""),
    ("Cisco-", "Cisco IOS", ""),
    ("ROSSSH", "RouterOS", ""),
    ("dropbear", "Linux", "embedded"),
];

const VENDOR_CLASS: Marks = &[
    ("MSFT 98", "Windows", "98"),
    ("MSFT 5.0", "Windows", "2000 or newer"),
    ("MSFT", "Windows", ""),
    ("android-dhcp", "Android", ""),
    ("udhcp", "Linux", "embedded"),
    ("Linux", "Linux", ""),
    ("FreeBSD", "FreeBSD", ""),
    ("Cisco Systems, Inc. IP Phone", "Cisco phone", ""),
    ("PXEClient", "", ""),
];

fn marked(marks: Marks, text: &str, confidence: u8) -> Option<System> {
    let (_, family, version) = marks.iter().find(|(mark, _, _)| text.contains(mark))?;
    (!family.is_empty()).then_some(System { family, version, confidence })
}

/// By an HTTP user agent. Agents are easily changed, so the confidence stays below a stack's own habits.
pub fn user_agent(text: &str) -> Option<System> {
    marked(USER_AGENT, text, 70)
}

/// By an HTTP `Server` header, a mail or FTP banner.
pub fn server_product(text: &str) -> Option<System> {
    marked(SERVER, text, 65)
}

/// By an SSH identification string.
pub fn ssh_comment(text: &str) -> Option<System> {
    marked(SSH, text, 80)
}

/// By a DHCP vendor class (option 60).
pub fn vendor_class(text: &str) -> Option<System> {
    marked(VENDOR_CLASS, text, 75)
}

/// By the order of options that a DHCP client asks for (option 55).
pub fn dhcp(requested: &[u8]) -> Option<System> {
    let (family, version) = match requested {
        [1, 121, 3, 6, 15, ..] => ("macOS", "or iOS"),
        [1, 3, 6, 15, 119, 95, 252, 44, 46, ..] => ("macOS", ""),
        [1, 3, 6, 15, 119, 252, ..] => ("iOS", ""),
        [1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 119, 121, 249, 252, ..] => ("Windows", "10 or newer"),
        [1, 15, 3, 6, 44, 46, 47, 31, 33, 121, 249, 43, ..] => ("Windows", "Vista to 8"),
        [1, 15, 3, 6, 44, 46, 47, 31, 33, 249, 43, ..] => ("Windows", "XP or 2003"),
        [1, 15, 3, 6, 44, 46, 47, 31, 33, 43, ..] => ("Windows", "2000"),
        [1, 28, 2, 3, 15, 6, ..] => ("Linux", "dhclient"),
        [1, 3, 6, 15, 26, 28, 51, 58, 59, 43, ..] | [1, 33, 3, 6, 15, 28, 51, 58, 59, ..] => ("Android", ""),
        [1, 3, 6, 12, 15, 17, 28, 42, ..] | [1, 3, 6, 12, 15, 28, 42, ..] => ("Linux", "udhcpc"),
        [1, 28, 3, 15, 6, 12, ..] => ("OpenBSD", ""),
        _ => return None,
    };
    Some(System { family, version, confidence: 70 })
}

/// By the version in an NTLM message: major, minor, build ([MS-NLMP] 2.2.2.10).
pub fn ntlm(major: u8, minor: u8, build: u16) -> Option<System> {
    let version = match (major, minor, build) {
        // Samba announces 6.1 with build 0.
        (6, 1, 0) => return None,
        (10, 0, 22000..) => "11, or Server 2022",
        (10, 0, _) => "10, or Server 2016",
        (6, 3, _) => "8.1, or Server 2012 R2",
        (6, 2, _) => "8, or Server 2012",
        (6, 1, _) => "7, or Server 2008 R2",
        (6, 0, _) => "Vista, or Server 2008",
        (5, 2, _) => "Server 2003",
        (5, 1, _) => "XP",
        (5, 0, _) => "2000",
        _ => return None,
    };
    Some(System { family: "Windows", version, confidence: 90 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_name_their_system_and_narrow_marks_win() {
        let family = |text| user_agent(text).map(|system| (system.family, system.version));
        assert_eq!(family("Mozilla/5.0 (Windows NT 6.1; WOW64)"), Some(("Windows", "7")));
        assert_eq!(family("Mozilla/5.0 (Linux; Android 11; SM-A715F)"), Some(("Android", "")));
        assert_eq!(family("Mozilla/5.0 (iPhone; CPU iPhone OS 15_0 like Mac OS X)"), Some(("iOS", "")));
        assert_eq!(family("Mozilla/5.0 (X11; Ubuntu; Linux x86_64)"), Some(("Linux", "Ubuntu")));
        assert_eq!(family("curl/8.0"), None);
    }

    #[test]
    fn samba_is_not_taken_for_windows() {
        assert_eq!(ntlm(6, 1, 0), None);
        assert_eq!(ntlm(10, 0, 19041).unwrap().version, "10, or Server 2016");
        assert_eq!(vendor_class("PXEClient:Arch:00000"), None);
        assert_eq!(dhcp(&[1, 15, 3, 6, 44, 46, 47, 31, 33, 121, 249, 43, 252]).unwrap().family, "Windows");
    }
}
