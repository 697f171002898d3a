//! `--set KEY=VALUE`: flow timeouts by Suricata's names, and bounds by our own.

use anyhow::{Context, Result, bail};
use sensor_core::engine::Config;

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
        match key {
            "limits.flows" => config.limits.flows = number(16)? as usize,
            "limits.kept-flows" => config.limits.kept_flows = number(16)? as usize,
            "limits.rows" => config.limits.rows = number(16)? as usize,
            "summary.window" => {
                config.window_ns = config.window_ns.map(|_| 0).and(Some(number(1)? as i64 * 1_000_000_000))
            }
            _ if SURICATA.contains(&key.split(['.', '[']).next().unwrap_or(key)) => {
                warnings.push(format!("--set {key}: a setting of Suricata's that changes nothing here"));
            }
            _ => bail!("--set {key}: unknown; known are {} and Suricata's own (which warn)", KNOWN.join(", ")),
        }
    }
    Ok(warnings)
}

fn timeout<'a>(key: &str, config: &'a mut Config) -> Option<&'a mut u32> {
    let t = &mut config.timeouts;
    Some(match key {
        "flow-timeouts.tcp.new" => &mut t.tcp_new,
        "flow-timeouts.tcp.established" => &mut t.tcp_established,
        "flow-timeouts.tcp.closed" => &mut t.tcp_closed,
        "flow-timeouts.udp.new" => &mut t.udp_new,
        "flow-timeouts.udp.established" => &mut t.udp_established,
        "flow-timeouts.icmp.new" => &mut t.icmp_new,
        "flow-timeouts.icmp.established" => &mut t.icmp_established,
        "flow-timeouts.default.new" => &mut t.other_new,
        "flow-timeouts.default.established" => &mut t.other_established,
        _ => return None,
    })
}

const KNOWN: &[&str] = &[
    "flow-timeouts.{tcp,udp,icmp,default}.{new,established}",
    "flow-timeouts.tcp.closed",
    "limits.flows",
    "limits.kept-flows",
    "limits.rows",
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
        let warnings = apply(&["stream.midstream=true".into()], &mut config).unwrap();
        assert_eq!(warnings.len(), 1);
        assert!(apply(&["flow-timeouts.udp.new=7".into()], &mut config).unwrap().is_empty());
        assert_eq!(config.timeouts.udp_new, 7);
        assert!(apply(&["flow-timeouts.udp.new=x".into()], &mut config).is_err());
    }
}
