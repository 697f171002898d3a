//! What `$HOME_NET` and its like stand for: as it is set, and whether rules can be read with it.

use sensor_core::applayer::protocols;
use sensor_core::detect;
use sensor_core::rules::{Kind, Ruleset, Variables};
use sensor_wire::rules::{RuleSetup, RuleVariable};

/// Variables as they are set, and words about those that are too long to be.
pub fn of(setup: &RuleSetup) -> (Variables, Vec<String>) {
    let mut variables = Variables::default();
    let mut faults = Vec::new();
    for (kind, all) in [(Kind::Address, &setup.addresses), (Kind::Port, &setup.ports)] {
        for (name, value) in all {
            if !variables.set(kind, name, value) {
                faults.push(format!("{name}: its value is too long"));
            }
        }
    }
    // Outside of everything there is nothing, and most rules could not be met: who means any means it on both sides.
    let set = |name: &str| setup.addresses.iter().rev().find(|(of, _)| of == name).map(|(_, value)| value.trim());
    if set("HOME_NET").is_some_and(|value| value.eq_ignore_ascii_case("any")) && set("EXTERNAL_NET").is_none() {
        variables.set(Kind::Address, "EXTERNAL_NET", "any");
    }
    (variables, faults)
}

/// All variables, each with what a rule that names it alone is refused for.
pub fn check(variables: &Variables) -> Vec<RuleVariable> {
    let defaults = Variables::default();
    let mut all = Vec::new();
    let mut set = Ruleset::new(variables.clone());
    for kind in [Kind::Address, Kind::Port] {
        for (name, value) in variables.all(kind) {
            let sid = all.len() + 1;
            let rule = match kind {
                Kind::Address => format!("alert ip ${name} any -> any any (sid:{sid};)"),
                Kind::Port => format!("alert tcp any any -> any ${name} (sid:{sid};)"),
            };
            let fault = if is_name(name) { "" } else { "a name has letters, digits and _ only" };
            if fault.is_empty() {
                set.read("", rule.as_bytes());
            }
            all.push(RuleVariable {
                port: kind == Kind::Port,
                name: name.to_owned(),
                value: value.to_owned(),
                default: defaults.get(kind, name).unwrap_or_default().to_owned(),
                fault: fault.to_owned(),
            });
        }
    }
    // What a variable stands for is looked at when rules are compiled; that it is there, when they are read.
    let (_, compiled) = detect::Rules::compile(&set, protocols::all());
    for refusal in set.refusals().iter().chain(&compiled) {
        let place = refusal.sid.and_then(|sid| usize::try_from(sid).ok()?.checked_sub(1));
        if let Some(variable) = place.and_then(|place| all.get_mut(place)) {
            variable.fault = refusal.reason.to_string();
        }
    }
    all
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(addresses: &[(&str, &str)], ports: &[(&str, &str)]) -> Vec<RuleVariable> {
        let own = |all: &[(&str, &str)]| all.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        check(&of(&RuleSetup { addresses: own(addresses), ports: own(ports), ..RuleSetup::default() }).0)
    }

    #[test]
    fn what_is_shipped_has_no_fault() {
        let all = checked(&[], &[]);
        assert_eq!((all.len(), all.iter().filter(|it| it.port).count()), (27, 12));
        let wrong: Vec<_> = all.iter().filter(|it| !it.fault.is_empty() || it.value != it.default).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    #[test]
    fn home_net_any_leaves_rules_of_external_net_running() {
        let all = checked(&[("HOME_NET", "any")], &[]);
        let wrong: Vec<_> = all.iter().filter(|it| !it.fault.is_empty()).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        let external = |all: Vec<RuleVariable>| all.into_iter().find(|it| it.name == "EXTERNAL_NET").unwrap().value;
        assert_eq!(external(all), "any");
        let own = [("HOME_NET", "any"), ("EXTERNAL_NET", "192.0.2.0/24")];
        assert_eq!(external(checked(&own, &[])), "192.0.2.0/24");
    }

    #[test]
    fn a_wrong_value_is_named_and_those_that_hang_on_it_too() {
        let all = checked(
            &[("HOME_NET", "10.0.0.0/33"), ("MINE", "[10.1.0.0/16,!$SQL_SERVERS]")],
            &[("HTTP_PORTS", "[80,8080]"), ("SSH_PORTS", "22;"), ("A B", "1")],
        );
        let wrong = |name: &str| !all.iter().find(|it| it.name == name).unwrap().fault.is_empty();
        // What names HOME_NET is as wrong as it is.
        assert!(["HOME_NET", "EXTERNAL_NET", "SQL_SERVERS", "MINE", "SSH_PORTS", "A B"].into_iter().all(wrong));
        assert!(!wrong("HTTP_PORTS") && !wrong("FILE_DATA_PORTS") && !wrong("FTP_PORTS"));
        assert_eq!(all.iter().find(|it| it.name == "MINE").unwrap().default, "");
    }
}
