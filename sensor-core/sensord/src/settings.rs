//! `--set KEY=VALUE`, and the same in TOML: flow timeouts by Suricata's names, and bounds by our own.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sensor_core::applayer::parser::{Ftp, Http};
use sensor_core::decode::OverlapPolicy;
use sensor_core::discover::DiscoverLimits;
use sensor_core::engine::{Config, MidstreamPolicy};
use toml::{Table, Value};

/// Applies settings to the engine's configuration. Returns warnings: Suricata's keys that mean nothing here.
///
/// # Errors
/// A key that neither this sensor nor Suricata has; the error names the known ones. A value out of range.
pub fn apply(settings: &[String], config: &mut Config) -> Result<Vec<String>> {
    let mut warnings = Vec::new();
    for setting in settings {
        let Some((key, value)) = setting.split_once('=') else { bail!("--set {setting}: write it as KEY=VALUE") };
        let number = |least: u64| -> Result<u64> {
            let n: u64 = value.parse().with_context(|| format!("--set {key}: {value:?} is not a whole number"))?;
            if n < least { bail!("--set {key}: {n} is below the least value {least}") } else { Ok(n) }
        };
        if let Some(timeout) = timeout(key, config) {
            *timeout = u32::try_from(number(1)?).with_context(|| format!("--set {key}: too large"))?;
            continue;
        }
        if let Some(key) = key.strip_prefix(LIBHTP) {
            let http = &mut config.parse.get_or_insert_default().http;
            http_setting(http, key, value).with_context(|| format!("--set {LIBHTP}{key}"))?;
            continue;
        }
        if let Some(key) = key.strip_prefix(FTP) {
            let ftp = &mut config.parse.get_or_insert_default().ftp;
            ftp_setting(ftp, key, value).with_context(|| format!("--set {FTP}{key}"))?;
            continue;
        }
        if let Some(app @ ("tls" | "ssh")) =
            key.strip_prefix(PROTOCOLS).and_then(|key| key.strip_suffix(".encryption-handling"))
        {
            let parse = config.parse.get_or_insert_default();
            let full = if app == "tls" { &mut parse.encrypted_tls } else { &mut parse.encrypted_ssh };
            *full = match value {
                "full" => true,
                // What `bypass` saves beside is no difference in what is detected.
                "track-only" | "default" | "bypass" => false,
                _ => bail!("--set {key}: {value:?} is none of full, track-only, bypass"),
            };
            continue;
        }
        match key {
            "defrag.policy" => {
                config.limits.defrag.policy = OverlapPolicy::named(value)
                    .with_context(|| format!("--set {key}: {value:?} is none of {}", POLICIES.join(", ")))?;
            }
            "defrag.memcap" => config.limits.defrag.bytes = size(value).with_context(|| format!("--set {key}"))?,
            "defrag.trackers" => config.limits.defrag.datagrams = number(1)? as usize,
            "defrag.timeout" => {
                config.limits.defrag.timeout =
                    u32::try_from(number(1)?).with_context(|| format!("--set {key}: too large"))?;
            }
            "flow.emergency-recovery" => {
                config.limits.emergency_recovery = u8::try_from(number(1)?)
                    .ok()
                    .filter(|n| *n <= 99)
                    .with_context(|| format!("--set {key}: {value} is not within 1..99 per cent"))?;
            }
            "inspect.hosts" => {
                config.discover = switch(value).with_context(|| format!("--set {key}"))?.then(DiscoverLimits::default);
            }
            "inspect.protocols" => config.protocols = switch(value).with_context(|| format!("--set {key}"))?,
            "stream.midstream-policy" | "exception-policy" => {
                // `auto` is what `conclude` makes of it.
                if value != "auto" {
                    config.midstream_policy =
                        policy(value).with_context(|| format!("--set {key}: {value:?} is no policy"))?;
                }
            }
            "packet-alert-max" => config.packet_alerts = number(1)?.min(1024) as usize,
            "stream.inline" => {
                config.stream_inline = value != "auto" && switch(value).with_context(|| format!("--set {key}"))?
            }
            // One direction alone never shows a handshake.
            "stream.async-oneside" => config.midstream |= switch(value).with_context(|| format!("--set {key}"))?,
            "stream.midstream" => config.midstream = switch(value).with_context(|| format!("--set {key}"))?,
            "limits.tunnels" => config.limits.tunnels = number(1)?.min(16) as usize,
            "limits.flows" => config.limits.flows = number(16)? as usize,
            "limits.kept-flows" => config.limits.kept_flows = number(16)? as usize,
            "limits.rows" => config.limits.rows = number(16)? as usize,
            "summary.window" => {
                config.window_ns = config.window_ns.map(|_| 0).and(Some(number(1)? as i64 * 1_000_000_000))
            }
            THRESHOLDS | CLASSES | CATEGORIES | REPUTATIONS | REPUTATION_PATH => {}
            _ if key.strip_prefix(REPUTATIONS).is_some_and(|rest| rest.starts_with(['.', '['])) => {}
            _ if SURICATA.contains(&key.split(['.', '[']).next().unwrap_or(key)) => {
                warnings.push(format!("--set {key}: a setting of Suricata's that changes nothing here"));
            }
            _ => bail!("--set {key}: unknown; known are {} and Suricata's own (which warn)", KNOWN.join(", ")),
        }
    }
    Ok(warnings)
}

/// Settings of a TOML file as `KEY=VALUE`: tables give keys their parts before the dots, in the file's own order or not.
///
/// # Errors
/// What is no TOML, with its place; a list or a date, which no setting has.
pub fn of_toml(text: &str) -> Result<Vec<String>> {
    let table: Table = text.parse()?;
    let mut settings = Vec::new();
    flatten("", &table, &mut settings)?;
    Ok(settings)
}

fn flatten(before: &str, table: &Table, settings: &mut Vec<String>) -> Result<()> {
    for (key, value) in table {
        let key = if before.is_empty() { key.clone() } else { format!("{before}.{key}") };
        let value = match value {
            Value::Table(table) => {
                flatten(&key, table, settings)?;
                continue;
            }
            Value::String(text) => text.clone(),
            Value::Integer(number) => number.to_string(),
            Value::Float(number) => number.to_string(),
            Value::Boolean(on) => on.to_string(),
            Value::Array(_) | Value::Datetime(_) => bail!("{key}: no setting has a list or a date"),
        };
        settings.push(format!("{key}={value}"));
    }
    Ok(())
}

/// What Suricata does by itself where nothing is set: a sensor in the way drops flows whose start it did not see, if
/// it does not take them up.
pub fn conclude(config: &mut Config, settings: &[String]) {
    let set = |key: &str| {
        settings.iter().filter_map(|setting| setting.split_once('=')).any(|(is, value)| is == key && value != "auto")
    };
    if config.inline && !config.midstream && !set("exception-policy") && !set("stream.midstream-policy") {
        config.midstream_policy = MidstreamPolicy::Drop;
    }
}

/// Files that settings name: of thresholds, and of classes.
pub fn files(settings: &[String]) -> impl Iterator<Item = (&str, &str)> {
    settings.iter().filter_map(|setting| setting.split_once('=')).filter(|(key, _)| [THRESHOLDS, CLASSES].contains(key))
}

/// Files of what is known of addresses: the list of categories, where one is named, and lists of addresses.
pub fn reputations(settings: &[String]) -> Option<(PathBuf, Vec<PathBuf>)> {
    let last = |wanted: &str| {
        let mut pairs = settings.iter().rev().filter_map(|setting| setting.split_once('='));
        pairs.find(|(key, _)| *key == wanted).map(|(_, value)| value)
    };
    let folder = Path::new(last(REPUTATION_PATH).unwrap_or_default());
    // A list has commas between its files, or an index in each key.
    let names = settings.iter().filter_map(|setting| {
        let (key, value) = setting.split_once('=')?;
        key.strip_prefix(REPUTATIONS).filter(|rest| rest.is_empty() || rest.starts_with(['.', '[']))?;
        Some(value.trim_matches(['[', ']']).split(',').map(str::trim).filter(|name| !name.is_empty()))
    });
    let lists = names.flatten().map(|name| folder.join(name)).collect();
    last(CATEGORIES).map(|categories| (PathBuf::from(categories), lists))
}

/// The setting that names a `threshold.config`.
pub const THRESHOLDS: &str = "threshold-file";
/// The setting that names the list of categories of reputations.
const CATEGORIES: &str = "reputation-categories-file";
/// The setting that names lists of reputations.
const REPUTATIONS: &str = "reputation-files";
/// The setting that names the folder these are in.
const REPUTATION_PATH: &str = "default-reputation-path";
/// The setting that names a `classification.config`.
const CLASSES: &str = "classification-file";

fn policy(value: &str) -> Option<MidstreamPolicy> {
    Some(match value {
        "ignore" => MidstreamPolicy::Ignore,
        "pass-flow" | "pass-packet" => MidstreamPolicy::Pass,
        "bypass" => MidstreamPolicy::Bypass,
        "drop-flow" | "drop-packet" | "reject" => MidstreamPolicy::Drop,
        _ => return None,
    })
}

/// A setting of HTTP; those that change nothing here are passed over.
fn http_setting(http: &mut Http, key: &str, value: &str) -> Result<()> {
    match key {
        "request-body-limit" => http.request_body = size(value)?,
        "response-body-limit" => http.response_body = size(value)?,
        "meta-field-limit" => http.field = size(value)?,
        "headers-limit" => http.headers = size(value)?,
        "compression-bomb-limit" => http.bomb = size(value)? as u64,
        "response-body-decompress-layer-limit" => {
            http.decompress_layers = value.parse().with_context(|| format!("{value:?} is not within 0..255"))?;
        }
        "double-decode-path" => http.double_decode_path = switch(value)?,
        "double-decode-query" => http.double_decode_query = switch(value)?,
        _ => {}
    }
    Ok(())
}

/// A setting of FTP; those that change nothing here are passed over.
fn ftp_setting(ftp: &mut Ftp, key: &str, value: &str) -> Result<()> {
    match key {
        "max-tx" => ftp.transactions = value.parse().with_context(|| format!("{value:?} is not a whole number"))?,
        "max-line-length" => ftp.line = size(value)?.min(1 << 20),
        _ => {}
    }
    Ok(())
}

fn timeout<'a>(key: &str, config: &'a mut Config) -> Option<&'a mut u32> {
    let (protocol, state) = key.strip_prefix("flow-timeouts.")?.split_once('.')?;
    let (t, state) = match state.strip_prefix("emergency-") {
        Some(state) => (&mut config.emergency, state),
        None => (&mut config.timeouts, state),
    };
    Some(match (protocol, state) {
        ("tcp", "new") => &mut t.tcp_new,
        ("tcp", "established") => &mut t.tcp_established,
        ("tcp", "closed") => &mut t.tcp_closed,
        ("udp", "new") => &mut t.udp_new,
        ("udp", "established") => &mut t.udp_established,
        ("icmp", "new") => &mut t.icmp_new,
        ("icmp", "established") => &mut t.icmp_established,
        ("default", "new") => &mut t.other_new,
        ("default", "established") => &mut t.other_established,
        _ => return None,
    })
}

fn switch(value: &str) -> Result<bool> {
    match value {
        "yes" | "true" | "on" | "1" => Ok(true),
        "no" | "false" | "off" | "0" => Ok(false),
        other => bail!("{other:?} is neither yes nor no"),
    }
}

/// Bytes, with Suricata's units.
fn size(value: &str) -> Result<usize> {
    let lower = value.trim().to_ascii_lowercase();
    let digits = lower.trim_end_matches(|c: char| c.is_ascii_alphabetic()).trim_end();
    let unit = match lower.get(digits.len()..).unwrap_or_default().trim() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        other => bail!("{other:?} is no unit of bytes"),
    };
    let n: usize = digits.parse().with_context(|| format!("{value:?} is not a number of bytes"))?;
    n.checked_mul(unit).with_context(|| format!("{value:?} is too large"))
}

/// Suricata's settings of protocols.
const PROTOCOLS: &str = "app-layer.protocols.";

/// Suricata's settings of HTTP.
const LIBHTP: &str = "app-layer.protocols.http.libhtp.default-config.";

/// Suricata's settings of FTP.
const FTP: &str = "app-layer.protocols.ftp.";

/// Names of overlap policies in the message; Suricata's finer ones are taken too.
const POLICIES: &[&str] = &["first", "last", "bsd", "bsd-right", "linux", "windows", "solaris"];

const KNOWN: &[&str] = &[
    "app-layer.protocols.{tls,ssh}.encryption-handling",
    "defrag.{policy,memcap,trackers,timeout}",
    "flow.emergency-recovery",
    "flow-timeouts.{tcp,udp,icmp,default}.[emergency-]{new,established}",
    "flow-timeouts.tcp.[emergency-]closed",
    "inspect.{hosts,protocols}",
    "limits.flows",
    "limits.kept-flows",
    "limits.rows",
    "limits.tunnels",
    "{reputation-categories-file,default-reputation-path,reputation-files}",
    "stream.midstream",
    "summary.window",
];

/// First parts of Suricata's configuration keys.
const SURICATA: &[&str] = &[
    "action-order",
    "af-packet",
    "app-layer",
    "asn1-max-frames",
    "capture",
    "classification-file",
    "coredump",
    "datasets",
    "decoder",
    "default-log-dir",
    "default-packet-size",
    "default-rule-path",
    "defrag",
    "detect",
    "engine-analysis",
    "exception-policy",
    "firewall",
    "flow",
    "flow-timeouts",
    "heartbeat",
    "host",
    "host-mode",
    "host-os-policy",
    "ippair",
    "ips",
    "legacy",
    "logging",
    "luajit",
    "max-pending-packets",
    "mpm-algo",
    "multi-detect",
    "napatech",
    "nflog",
    "nfq",
    "outputs",
    "packet",
    "packet-alert-max",
    "pcap",
    "pcap-file",
    "pcre",
    "profiling",
    "reference-config-file",
    "rule-files",
    "runmode",
    "security",
    "sensor-name",
    "spm-algo",
    "stats",
    "stream",
    "threading",
    "threshold-file",
    "unix-command",
    "vars",
    "vlan",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_name_the_known_ones_and_suricatas_warn() {
        let mut config = Config::default();
        let error = apply(&["nonsense.key=1".into()], &mut config).unwrap_err().to_string();
        assert!(error.contains("nonsense.key") && error.contains("flow-timeouts"), "{error}");
        let warnings = apply(&["stream.bypass=true".into()], &mut config).unwrap();
        assert_eq!(warnings.len(), 1);
        assert!(apply(&["flow-timeouts.udp.new=7".into()], &mut config).unwrap().is_empty());
        assert_eq!(config.timeouts.udp_new, 7);
        assert!(apply(&["flow-timeouts.udp.new=x".into()], &mut config).is_err());
    }

    #[test]
    fn reassembly_and_emergency_are_set_by_suricatas_names() {
        let mut config = Config::default();
        let mut set = |setting: &str| apply(&[setting.to_owned()], &mut config).map(|w| w.len());
        for good in [
            "defrag.policy=bsd-right",
            "defrag.memcap=3 MiB",
            "defrag.trackers=7",
            "defrag.timeout=5",
            "flow.emergency-recovery=40",
            "flow-timeouts.tcp.emergency-closed=3",
            "limits.tunnels=2",
        ] {
            assert_eq!(set(good).unwrap(), 0, "{good}");
        }
        for bad in ["defrag.policy=amiga", "defrag.memcap=3 miles", "defrag.memcap=x", "flow.emergency-recovery=100"] {
            assert!(set(bad).is_err(), "{bad}");
        }
        let defrag = config.limits.defrag;
        assert_eq!(defrag.policy, OverlapPolicy::BsdRight);
        assert_eq!((defrag.bytes, defrag.datagrams, defrag.timeout), (3 << 20, 7, 5));
        assert_eq!((config.limits.emergency_recovery, config.emergency.tcp_closed), (40, 3));
        assert_eq!((config.timeouts.tcp_closed, config.limits.tunnels), (60, 2));
    }

    #[test]
    fn a_file_sets_what_the_command_line_does() {
        let text = "\
            flow.emergency-recovery = 40\n\
            threshold-file = \"/etc/thresholds\"\n\
            [flow-timeouts]\n\
            udp.new = 7\n\
            [flow-timeouts.tcp]\n\
            closed = 11\n\
            [stream]\n\
            midstream = true\n\
            [app-layer.protocols.http.libhtp.default-config]\n\
            request-body-limit = \"3 MiB\"\n";
        let settings = of_toml(text).unwrap();
        assert_eq!(files(&settings).collect::<Vec<_>>(), [(THRESHOLDS, "/etc/thresholds")]);
        let mut config = Config::default();
        assert!(apply(&settings, &mut config).unwrap().is_empty());
        assert_eq!((config.timeouts.udp_new, config.timeouts.tcp_closed), (7, 11));
        assert_eq!((config.limits.emergency_recovery, config.midstream), (40, true));
        assert_eq!(config.parse.unwrap().http.request_body, 3 << 20);
        let mut settings = vec![
            "reputation-files=a.list, b.list".to_owned(),
            "default-reputation-path=/rep".to_owned(),
            "reputation-files.2=/other/c.list".to_owned(),
        ];
        assert_eq!(reputations(&settings), None);
        settings.push("reputation-categories-file=/rep/categories.txt".to_owned());
        assert!(apply(&settings, &mut Config::default()).unwrap().is_empty());
        let lists = ["/rep/a.list", "/rep/b.list", "/other/c.list"].map(PathBuf::from);
        assert_eq!(reputations(&settings), Some(("/rep/categories.txt".into(), lists.into())));
        let fault = |text: &str| format!("{:#}", of_toml(text).unwrap_err());
        assert!(fault("limits.rows = [1]").starts_with("limits.rows: "));
        assert!(fault("limits.rows = ").contains("line 1"), "{}", fault("limits.rows = "));
    }
}
