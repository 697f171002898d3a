//! The rule language on published sets: counts, refusals, and rules that are printed and read again.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "what is not in a test's body is still for tests alone")]

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use proptest::prelude::*;
use sensor_core::rules::ast::{Body, Inspect};
use sensor_core::rules::{Buffer, Kind, Refusal, Ruleset, Variables};

fn corpus(set: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/rules").join(set);
    if !folder.is_dir() {
        println!("skipped: {} is not there", folder.display());
        return None;
    }
    Some(folder)
}

fn unpack(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    GzDecoder::new(fs::File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
    bytes
}

/// All files of a set; of an archive the plain members, read by the header's name and size.
fn load(folder: &Path, variables: Variables) -> Ruleset {
    let mut set = Ruleset::new(variables);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in &paths {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with(".tar.gz") {
            let archive = unpack(path);
            let mut rest = archive.as_slice();
            while rest.len() > 512 && rest[0] != 0 {
                let text = |range: std::ops::Range<usize>| {
                    String::from_utf8_lossy(&rest[range]).trim_end_matches(['\0', ' ']).to_owned()
                };
                let (member, size) = (text(0..100), usize::from_str_radix(&text(124..136), 8).unwrap());
                if member.ends_with(".rules") {
                    set.read(&member, &rest[512..512 + size]);
                }
                rest = &rest[512 + size.next_multiple_of(512)..];
            }
        } else if name.ends_with(".rules.gz") {
            set.read(&name, &unpack(path));
        } else if name.ends_with(".rules") && name != "sample.rules" {
            set.read(&name, &fs::read(path).unwrap());
        }
    }
    set
}

fn check_refusals(set: &Ruleset) {
    for Refusal { file, line, column, reason, .. } in set.refusals() {
        assert!(set.files().get(*file as usize).is_some() && *line > 0 && *column > 0 && !reason.is_empty());
    }
}

/// What is printed of a rule is read as the same rule.
fn check_printing(set: &Ruleset) {
    for rule in set.rules() {
        let printed = rule.to_string();
        let again = one(&printed);
        assert_eq!(again.refusals(), [], "{printed}");
        assert!(again.rules()[0].same(rule), "{printed}\n{rule:#?}\n{:#?}", again.rules()[0]);
    }
}

/// Loaded, refused and disabled rules of a set.
fn counts(name: &str) -> Option<(usize, usize, usize)> {
    let set = load(&corpus(name)?, Variables::default());
    check_refusals(&set);
    check_printing(&set);
    for refusal in set.refusals().iter().filter(|refusal| refusal.enabled).take(40) {
        let Refusal { file, line, column, sid, keyword, reason, .. } = refusal;
        println!("{}:{line}:{column}: {sid:?} {keyword}: {reason}", set.files()[*file as usize]);
    }
    Some((set.loaded(), set.refused(), set.disabled()))
}

#[test]
fn et_open_is_read() {
    let Some((loaded, refused, disabled)) = counts("et-open") else { return };
    assert_eq!((loaded + refused, disabled), (32_151, 12_307));
    // Suricata 8.0.7 refuses six, for the same reasons; the seventh here has two thresholds.
    assert!(refused <= 7, "{refused}");
    assert!(loaded * 1_000 >= 32_151 * 999);
}

#[test]
fn other_sets_of_suricata_are_read() {
    for (name, enabled, disabled) in
        [("suricata", 443, 51), ("hunting", 682, 37), ("stamus-lateral", 546, 14), ("oisf-trafficid", 34, 0)]
    {
        let Some(counted) = counts(name) else { return };
        assert_eq!(counted, (enabled, 0, disabled), "{name}");
    }
}

#[test]
fn indicator_rules_are_read() {
    let Some((loaded, refused, disabled)) = counts("abuse-ch") else { return };
    assert_eq!((refused, disabled), (0, 0));
    assert!(loaded >= 8_586);
}

#[test]
fn what_snort_2_shares_is_read() {
    let Some((loaded, refused, disabled)) = counts("snort2-community") else { return };
    assert_eq!((loaded, refused, disabled), (498, 0, 3_459));
}

#[test]
fn the_dialect_of_snort_3_is_refused_with_reasons() {
    let Some((loaded, refused, _)) = counts("snort3-community") else { return };
    assert_eq!(loaded + refused, 4_017);
    assert!(refused > 3_000);
}

fn one(rule: &str) -> Ruleset {
    let mut set = Ruleset::new(Variables::default());
    set.read("t.rules", rule.as_bytes());
    set
}

#[test]
fn old_modifiers_flags_and_sticky_buffers_are_one() {
    let old =
        r#"alert http any any -> any any (msg:"a"; content:"x"; http_uri; nocase; pcre:"/y/Ui"; urilen:>3; sid:1;)"#;
    let new =
        r#"alert http any any -> any any (msg:"a"; http.uri; content:"x"; nocase; pcre:"/y/i"; bsize:>3; sid:1;)"#;
    let (old, new) = (one(old), one(new));
    assert_eq!((old.refusals(), new.refusals()), (&[][..], &[][..]));
    assert!(old.rules()[0].same(&new.rules()[0]), "{:#?}\n{:#?}", old.rules(), new.rules());
    assert_eq!(old.rules()[0].buffers.len(), 1);
    assert_eq!(old.rules()[0].buffers[0].buffer, Buffer::HttpUri);
}

#[test]
fn transforms_are_of_what_follows_them() {
    let set = one(r#"alert http any any -> any any (http.uri; content:"X"; to_lowercase; content:"y"; sid:1;)"#);
    let rule = &set.rules()[0];
    let transforms: Vec<_> = rule.buffers.iter().map(|buffer| buffer.transforms.len()).collect();
    assert_eq!(transforms, [0, 1]);
    assert!(matches!(&rule.options[1].body, Body::Inspect(1, Inspect::Content(content)) if &*content.bytes == b"y"));
}

#[test]
fn bad_options_are_told_with_their_place() {
    let before = "alert tcp any any -> any any (";
    for (options, column, keyword) in [
        (r#"content:"x"; depth:5; distance:2; sid:1;)"#, 23, "distance"),
        (r#"content:"x"; startswith; distance:0; sid:1;)"#, 26, "distance"),
        (r#"content:"x"; depth:5; startswith; sid:1;)"#, 23, "startswith"),
        (r#"content:"x"; fast_pattern; content:"y"; fast_pattern; sid:1;)"#, 41, "fast_pattern"),
        (r#"content:!"x"; fast_pattern:only; sid:1;)"#, 15, "fast_pattern"),
        (r#"content:"xyz"; fast_pattern:2,2; sid:1;)"#, 29, "fast_pattern"),
        (r#"content:"xyz"; within:2; sid:1;)"#, 16, "within"),
        (r#"content:"xyz"; depth:2; sid:1;)"#, 16, "depth"),
        (r#"nocase; sid:1;)"#, 1, "nocase"),
        (r#"content:"x"; nocase; nocase; sid:1;)"#, 22, "nocase"),
        (r#"content:"a|4|"; sid:1;)"#, 12, "content"),
        (r#"content:x; sid:1;)"#, 9, "content"),
        (r#"content:"a"b; sid:1;)"#, 12, "content"),
        (r#"content:"a\nb"; sid:1;)"#, 11, "content"),
        (r#"http.uri; sid:1;)"#, 0, ""),
        (r#"http.uri; content:"x"; http_header; sid:1;)"#, 24, "http_header"),
        (r#"http.uri; content:"x"; tls.sni; content:"y"; sid:1;)"#, 33, "content"),
        (r#"to_lowercase; content:"x"; sid:1;)"#, 1, "to_lowercase"),
        (r#"bsize:3; sid:1;)"#, 1, "bsize"),
        (r#"http.uri; bsize:3; content:"abcd"; sid:1;)"#, 11, "bsize"),
        (r#"http.host; content:"ABC"; sid:1;)"#, 12, "content"),
        (r#"flow:to_server,to_client; sid:1;)"#, 16, "flow"),
        (r#"flow:bogus; sid:1;)"#, 6, "flow"),
        (r#"flow:to_server; flow:established; sid:1;)"#, 17, "flow"),
        (r#"flow:to_server; http.stat_code; content:"200"; sid:1;)"#, 1, "flow"),
        (r#"dsize:>5; flow:only_stream; sid:1;)"#, 1, "dsize"),
        (r#"flowbits:bogus,x; sid:1;)"#, 10, "flowbits"),
        (r#"flowbits:set; sid:1;)"#, 10, "flowbits"),
        (r#"byte_test:1,>,foo,0; sid:1;)"#, 15, "byte_test"),
        (r#"byte_test:9,>,1,0; sid:1;)"#, 11, "byte_test"),
        (r#"content:"x"; offset:foo; sid:1;)"#, 21, "offset"),
        (r#"itype:300; sid:1;)"#, 7, "itype"),
        (r#"pcre:"a"; sid:1;)"#, 7, "pcre"),
        (r#"pcre:"/a/UH"; sid:1;)"#, 11, "pcre"),
        (r#"pcre:"/a/k"; sid:1;)"#, 10, "pcre"),
        (r#"tls.version:1.9; sid:1;)"#, 13, "tls.version"),
        (r#"noalert:1; sid:1;)"#, 9, "noalert"),
        (r#"app-layer-protocol:nosuch; sid:1;)"#, 20, "app-layer-protocol"),
        (r#"lua:x.lua; sid:1;)"#, 1, "lua"),
        (r#"nosuch:1; sid:1;)"#, 1, "nosuch"),
        (r#"sid:1; sid:2;)"#, 8, "sid"),
        (r#"sid:0;)"#, 5, "sid"),
        (r#"msg:"a";)"#, 0, ""),
        (r#"sid:1"#, 6, ""),
        (r#"sid:1)"#, 1, ""),
    ] {
        let set = one(&format!("{before}{options}"));
        assert_eq!((set.loaded(), set.refused()), (0, 1), "{options}");
        let refusal = &set.refusals()[0];
        // A column of 0 stands for the whole rule.
        let expected = if column == 0 { 1 } else { u32::try_from(before.len()).unwrap() + column };
        assert_eq!((refusal.column, &*refusal.keyword), (expected, keyword), "{options}: {}", refusal.reason);
    }
}

#[test]
fn one_bad_rule_does_not_stop_the_others() {
    let rule = |sid: u32, rev: u32| format!("alert tcp any any -> any any (msg:\"é\"; sid:{sid}; rev:{rev};)\r\n");
    let text = format!(
        "# a comment (with parentheses)\n{}alert nonsense\n#{}# {}{}{}{}alert tcp any any -> \\\r\n any $NOPE (sid:9;)",
        rule(1, 1),
        rule(2, 1),
        rule(3, 1),
        rule(4, 2),
        rule(4, 1),
        rule(1, 2),
    );
    let set = one(&text);
    assert_eq!((set.loaded(), set.refused(), set.disabled()), (2, 4, 2));
    let places: Vec<_> = set.refusals().iter().map(|it| (it.line, it.column, it.sid)).collect();
    assert_eq!(places, [(3, 1, None), (7, 1, Some(4)), (2, 1, Some(1)), (10, 6, Some(9))]);
    let revs: Vec<_> = set.rules().iter().map(|rule| (rule.sid, rule.rev, rule.enabled)).collect();
    assert_eq!(revs, [(1, 2, true), (2, 1, false), (3, 1, false), (4, 2, true)]);
}

#[test]
fn more_options_than_a_rule_can_have_are_refused() {
    let set = one(&format!("alert tcp any any -> any any ({}sid:1;)", "content:\"x\"; ".repeat(1100)));
    assert!(set.refusals()[0].reason.contains("1024"), "{:?}", set.refusals());
}

#[test]
fn variables_that_are_set_can_be_named() {
    let mut variables = Variables::default();
    assert!(variables.set(Kind::Port, "FOO", "1:5"));
    let mut set = Ruleset::new(variables);
    set.read("t", b"alert tcp any $FOO -> any any (sid:1;)\nalert tcp $FOO any -> any any (sid:2;)");
    assert_eq!((set.loaded(), set.refused()), (1, 1));
    assert_eq!(set.refusals()[0].column, 11);
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut set = Ruleset::new(Variables::default());
        set.read("t", &bytes);
        check_refusals(&set);
    }

    #[test]
    fn no_options_make_the_parser_panic(
        options in proptest::collection::vec(
            ("[a-z][a-z._]{1,8}|content|pcre|byte_test|byte_jump|byte_math|flow|flowbits|threshold|xor|dataset|isdataat|\
              fast_pattern|depth|within|distance|bsize|tls_cert_notbefore|dcerpc.iface|modbus|requires|tag|entropy|\
              vlan.id|http.uri|http_uri|to_lowercase|asn1|flags|iprep|geoip",
             "[ -~é]{0,20}|\"[ -~]{0,12}\"|[0-9<>=!,&-]{0,10}"), 0..8)
    ) {
        let body: String = options.iter().map(|(name, value)| format!("{name}:{value};")).collect();
        let set = one(&format!("alert http any any -> any any ({body} sid:7;)"));
        check_refusals(&set);
        prop_assert_eq!(set.loaded() + set.refused(), 1);
        for refusal in set.refusals() {
            prop_assert!(refusal.line == 1 && refusal.column as usize <= 40 + body.chars().count());
        }
    }
}

#[test]
fn every_keyword_is_printed_as_it_is_read() {
    for options in [
        r#"content:!"a|00 ff|\;b"; offset:1; depth:20; nocase; content:"c"; fast_pattern; distance:-3; within:9; endswith;"#,
        r#"content:"abcd"; fast_pattern:1,2; content:"q"; rawbytes; replace:"p"; content:"z"; startswith;"#,
        r#"pcre:!"/a\/(?P<flow_x>b)(c)/imsxAEGRO,pkt:y,alert:z"; flowvar:x,"b"; pktvar:y,"c|00|";"#,
        "byte_extract:2,0,n,relative,little,multiplier 3,align 4; byte_test:n,!>=,n,-4,string,hex,bitmask 0xf0;",
        "byte_jump:0,0,string,dec,align,from_end,post_offset -3; byte_math:bytes 2,offset 1,oper <<,rvalue 3,result m,dce;",
        "isdataat:!5,relative,rawbytes; byte_test:4,^,0xff,0,dce; base64_decode:bytes 10,offset 2,relative; base64_data; bsize:3;",
        r#"http.uri; to_lowercase; xor:"0a0b"; from_base64:bytes 4,offset 2,mode strict; content:"x"; http.uri; content:"y";"#,
        r#"file.data:to_client; gunzip:max-size 100; content:"x"; pcrexform:"(a+)"; content:"a"; pkt_data; content:"z";"#,
        r#"http.request_header; content:"a"; http.request_header; content:"b"; absent:or_else;"#,
        "dns.query; dataset:isset,bad,type string,load x.lst; dns.query; datarep:rep,>,7,load y,type md5;",
        "http.host; entropy:bytes 9,offset 1,value >=6.25; frame:http1.request; bsize:>3;",
        "flow:to_client,established,no_stream,no_frag; flowbits:isset,a|b; flowbits:toggle,c; flowbits:noalert;",
        "hostbits:isset,a,dst; xbits:set,b,track ip_pair,expire 9; flowint:a,>=,3; flowint:b,+,a; flowint:c,notset;",
        "threshold:type backoff, track by_flow, count 1, multiplier 10; tag:host,3,seconds,dst; stream_size:either,<=,9;",
        "detection_filter:track by_rule, count 3, seconds 9, unique_on dst_port; tag:session; noalert;",
        "flags:!SA,12; fragbits:+MD; ipopts:lsrr; ip_proto:!tcp; sameip; l3_proto:ipv6; tcpv6-csum:invalid; geoip:src,!DE,FR;",
        "iprep:src,BadHosts,>,5; iprep:any,Good,isnotset; rpc:100000,*,3; itype:3<>9; vlan.id:!5,1; tos:!8; window:0;",
        "decode-event:ipv4.opt_invalid; stream-event:3whs_synack_flood; app-layer-event:http.x; app-layer-protocol:!tls,final;",
        "tls.version:!1.2; tls_cert_notbefore:2015-10<>2016; tls_cert_expired; ssl_version:!sslv2,tls1.0; ssl_state:client_hello|unknown;",
        r#"filename:!"a"; fileext:"jpg"; filemagic:"PDF"; filemd5:!list; filesize:to_server,>=2kb; filestore:both,flow;"#,
        "dcerpc.iface:367abb81-9844-35f1-ad32-98f038001003,>1,any_frag; dcerpc.opnum:1,3-5; dcerpc.opnum:>3;",
        "krb5.ticket_encryption:!weak,23; mqtt.type:!CONNECT,all; mqtt.flags:!dup,retain; http2.settings:SETTINGS_ENABLE_PUSH =0;",
        "modbus:unit >3, access write holding, address 5<>9, value <7; dnp3_obj:1,2; dnp3_func:write; cip_service:5,6,!7;",
        "modbus:function !reserved; modbus:function 8, subfunction 4; ike.chosen_sa_attribute:alg_dh=2; nfq_set_mark:0x5/0xff;",
        "asn1:bitstring_overflow,oversize_length 5,relative_offset -3; ftpbounce; bypass; requires:version >= 7.0.3 < 9;",
        "config:logging disable, type tx, scope tx; prefilter; target:src_ip; priority:3; gid:7; rev:9; classtype:x;",
        r#"msg:"a \"b\" \; \\ é"; reference:cve,2020-1; metadata:a b c, d e; uricontent:"x";"#,
        r#"tls.fingerprint:"aa:bb"; tls.subject:!"CN=x"; tls.issuerdn:"y";"#,
    ] {
        let set = one(&format!("alert ip [$HOME_NET,!10.0.0.1-10.0.0.9] ![1:5,80] <> any any ({options} sid:1;)"));
        assert_eq!(set.refusals(), [], "{options}");
        check_printing(&set);
    }
}
