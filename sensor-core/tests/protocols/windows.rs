//! DCE/RPC, SMB, Kerberos, LDAP, NFS, Remote Desktop.

use sensor_core::applayer::AppProto;

use crate::replay::replay;

#[test]
fn dcerpc_of_captures_reads_as_suricata_reads_it() {
    for piece in [1, 1500] {
        let file = "suricata-verify/pcaps/a5880d51f6c088e7.pcap";
        let Some((lines, _)) = replay(file, AppProto::Dcerpc, 49302, piece) else { return };
        assert_eq!(lines.len(), 2);
        let interfaces = &lines[0]["interfaces"];
        assert_eq!((&interfaces[0]["ack_result"], &interfaces[1]["ack_result"]), (&2.into(), &0.into()));
        assert_eq!(interfaces[1]["uuid"], "afa8bd80-7d8a-11c9-bef4-08002b102989");
        let (request, response) = (&lines[1]["req"], &lines[1]["res"]);
        assert_eq!((&request["opnum"], &request["stub_data_size"]), (&4.into(), &24.into()));
        assert_eq!((&response["frag_cnt"], &response["stub_data_size"]), (&1.into(), &68.into()));
    }
}

#[test]
fn smb_of_captures_reads_as_suricata_reads_it() {
    for piece in [7, 1500] {
        let file = "suricata-verify/pcaps/eabad564ae039cbd.pcap";
        let Some((lines, _)) = replay(file, AppProto::Smb, 445, piece) else { return };
        let of = |command: &str| lines.iter().filter(|line| line["command"] == command).collect::<Vec<_>>();
        let setups: Vec<_> = of("SMB2_COMMAND_SESSION_SETUP").iter().map(|line| &line["status"]).collect();
        assert_eq!(setups, ["STATUS_MORE_PROCESSING_REQUIRED", "STATUS_SUCCESS"]);
        assert_eq!((of("SMB2_COMMAND_NEGOTIATE_PROTOCOL").len(), of("SMB2_COMMAND_TREE_CONNECT").len()), (1, 1));
        assert!(of("SMB2_COMMAND_CREATE").iter().any(|line| line["filename"] == "file69.txt"));
        let file = "suricata-verify/pcaps/5119613b1daf97fd.pcap";
        let Some((lines, parsers)) = replay(file, AppProto::Smb, 445, piece) else { return };
        assert_eq!((lines.len(), &lines[6]["filename"]), (9, &"\\eicar".into()));
        let [written] = parsers[0].transaction(6).expect("it is there").files() else { panic!() };
        assert!(written.head.starts_with(b"X5O!P%@AP") && written.size == 68 && !written.to_client);
        let file = "suricata-verify/pcaps/94c529cc8b614aab.pcap";
        let Some((lines, _)) = replay(file, AppProto::Smb, 445, piece) else { return };
        let with = |key: &str, value: &str| lines.iter().find(|line| line[key] == value).cloned().unwrap_or_default();
        assert_eq!(with("access", "delete on close")["filename"], "PSEXESVC.exe");
        assert_eq!(with("filename", "PSEXESVC-VICTIM-PC-2412-stdin")["disposition"], "FILE_OPEN");
        assert_eq!(with("named_pipe", r"\\dc1\IPC$")["command"], "SMB2_COMMAND_TREE_CONNECT");
    }
}

#[test]
fn smb_1_of_captures_reads_as_suricata_reads_it() {
    let file = "suricata-verify/pcaps/3c78bdbc73e8cbe5.pcap";
    let Some((lines, _)) = replay(file, AppProto::Smb, 445, 1) else { return };
    let setup = lines.iter().find(|line| line["command"] == "SMB1_COMMAND_SESSION_SETUP_ANDX").expect("it is told");
    assert_eq!(
        (&setup["request"]["native_os"], &setup["response"]["native_os"]),
        (&"Mac OS X 10.10".into(), &"QTS".into())
    );
    let end = lines.iter().find(|line| line["command"] == "SMB1_COMMAND_LOGOFF_ANDX").expect("it is told");
    assert_eq!((&end["status"], &end["status_code"]), (&"SRV_BADUID".into(), &"0x005b".into()));
    assert_eq!(lines[0]["server_guid"], "31347374-0032-0000-0000-000000000000");
}

#[test]
fn kerberos_of_captures_reads_as_suricata_reads_it() {
    for piece in [1, 1500] {
        let file = "suricata-verify/pcaps/09957ebe6193612b.pcap";
        let Some((lines, _)) = replay(file, AppProto::Krb5, 88, piece) else { return };
        let of = |kind: &str| lines.iter().filter(|line| line["msg_type"] == kind).collect::<Vec<_>>();
        assert_eq!((of("KRB_AS_REQ").len(), of("KRB_ERROR").len()), (2, 2));
        let reply = of("KRB_AS_REP")[0];
        assert_eq!((&reply["cname"], &reply["encryption"]), (&"test".into(), &"rc4-hmac".into()));
        assert_eq!(
            (&reply["ticket_encryption"], &reply["ticket_weak_encryption"]),
            (&"aes256-cts-hmac-sha1-96".into(), &false.into())
        );
        let asked = of("KRB_TGS_REQ")[0];
        assert_eq!((&asked["cname"], &asked["sname"]), (&"<empty>".into(), &"host/anything".into()));
        let errors: Vec<_> =
            of("KRB_ERROR").iter().map(|line| (&line["failed_request"], &line["error_code"])).collect();
        assert_eq!(errors[0], (&"KRB_AS_REQ".into(), &"KDC_ERR_PREAUTH_REQUIRED".into()));
        assert_eq!(errors[1], (&"KRB_TGS_REQ".into(), &"KDC_ERR_S_PRINCIPAL_UNKNOWN".into()));
    }
}

#[test]
fn ldap_of_captures_reads_as_suricata_reads_it() {
    for piece in [1, 1500] {
        let file = "suricata-verify/pcaps/f4b8d1b760241937.pcap";
        let Some((lines, _)) = replay(file, AppProto::Ldap, 389, piece) else { return };
        let request = &lines[0]["request"]["add_request"];
        assert_eq!(
            (&request["entry"], &request["attributes"][0]["values"][1]),
            (&"dc=example,dc=com".into(), &"domain".into())
        );
        assert_eq!(lines[0]["responses"][0]["add_response"]["result_code"], "success");
        let file = "suricata-verify/pcaps/a2e94fc86330c4a0.pcap";
        let Some((lines, _)) = replay(file, AppProto::Ldap, 389, piece) else { return };
        assert_eq!(lines[0]["request"]["del_request"]["dn"], "uid=jdoe,ou=People,dc=example,dc=com");
    }
}

#[test]
fn nfs_of_captures_reads_as_suricata_reads_it() {
    let file = "suricata-verify/pcaps/ee65d22b22d998c1.pcap";
    let Some((lines, _)) = replay(file, AppProto::Nfs, 2049, 1) else { return };
    let of = |id: u64| lines.iter().find(|line| line["id"] == id && line["version"] == 3).cloned().unwrap_or_default();
    assert_eq!((&of(2)["procedure"], &of(5)["status"]), (&"FSINFO".into(), &"ERR_NOENT".into()));
    assert_eq!((&of(7)["filename"], &of(7)["hhash"]), (&"a".into(), &"38a4e9f6".into()));
    assert_eq!((&of(12)["hhash"], &of(5)["hhash"]), (&"131299c5".into(), &serde_json::Value::Null));
    assert_eq!((&of(14)["rename"]["from"], &of(14)["rename"]["to"]), (&"a".into(), &"am".into()));
    assert_eq!((&of(35)["filename"], &of(37)["filename"]), (&"h".into(), &"bln".into()));
    let read = of(39);
    assert_eq!(
        (&read["procedure"], &read["filename"], &read["file_tx"]),
        (&"READ".into(), &"bln".into(), &true.into())
    );
    assert_eq!(read["read"], serde_json::json!({"first": true, "last": true, "last_xid": 1_578_961_922, "chunks": 1}));
    assert_eq!((&of(56)["procedure"], &of(34)["file_tx"]), (&"LOOKUP".into(), &true.into()));
    let file = "suricata-verify/pcaps/f20c4113b40082d4.pcap";
    for piece in [1, 1500] {
        let Some((lines, _)) = replay(file, AppProto::Nfs, 2049, piece) else { return };
        assert_eq!((&lines[0]["procedure"], &lines[0]["hhash"]), (&"READDIRPLUS".into(), &"23ea69b6".into()));
    }
}
