//! PostgreSQL, DHCP, IKE, SNMP, NTP, DNP3, Modbus, EtherNet/IP, BitTorrent's distributed table.

use sensor_core::applayer::{AppProto, Side};
use sensor_core::rules::Buffer;

use crate::replay::replay;

#[test]
fn pgsql_of_captures_reads_as_suricata_reads_it() {
    for piece in [1, 7, 1500] {
        let file = "suricata-verify/pcaps/4ef220ccc6f00fd2.pcap";
        let Some((lines, parsers)) = replay(file, AppProto::Pgsql, 5432, piece) else { return };
        assert_eq!(lines.len(), 27, "{piece}");
        assert_eq!(lines[1]["response"]["message"], "authentication_sasl");
        assert_eq!(lines[2]["request"]["sasl_authentication_mechanism"], "scram_SHA256");
        assert_eq!(lines[3]["response"]["parameter_status"][10]["time_zone"], "Europe/London");
        assert_eq!(lines[13]["response"]["code"], "22012");
        assert_eq!(lines[25]["response"]["data_size"], 236);
        assert_eq!(lines[26]["request"]["message"], "termination_message");
        let mut scratch = Vec::new();
        let query =
            parsers[0].transaction(25).expect("there").buffer(Buffer::PgsqlQuery, Side::ToServer, 0, &mut scratch);
        assert_eq!(query, Some(&b"SELECT * FROM new_table;"[..]));
    }
}
