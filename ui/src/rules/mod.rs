//! Rules: what those say that matched a row, and the pane of all.

pub mod card;
pub mod own;
pub mod pane;
pub mod variables;

use sensor_wire::rules::RuleState;

/// The address of a reference: those of known systems are addresses of their own.
pub fn address(system: &str, id: &str) -> String {
    match system.to_lowercase().as_str() {
        "url" if id.contains("://") => id.to_owned(),
        "url" => format!("https://{id}"),
        "cve" => format!("https://nvd.nist.gov/vuln/detail/CVE-{}", id.trim_start_matches("CVE-")),
        "bugtraq" => format!("https://www.securityfocus.com/bid/{id}"),
        "md5" => format!("https://www.virustotal.com/gui/search/{id}"),
        "et" => format!("https://doc.emergingthreats.net/{id}"),
        _ => format!("{system}: {id}"),
    }
}

/// A state in a word, and the class of its mark: shape and colour.
pub fn state(state: RuleState) -> (&'static str, &'static str) {
    match state {
        RuleState::Running => ("runs", "mark good"),
        RuleState::Refused => ("refused", "mark bad"),
        RuleState::Disabled => ("off", "mark off"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_addresses_where_their_system_is_known() {
        assert_eq!(address("url", "example.com/a"), "https://example.com/a");
        assert_eq!(address("URL", "http://example.com"), "http://example.com");
        assert_eq!(address("cve", "2021-44228"), "https://nvd.nist.gov/vuln/detail/CVE-2021-44228");
        assert_eq!(address("cve", "CVE-2021-44228"), "https://nvd.nist.gov/vuln/detail/CVE-2021-44228");
        assert_eq!(address("nessus", "1"), "nessus: 1");
    }
}
