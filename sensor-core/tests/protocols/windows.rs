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
