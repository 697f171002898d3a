//! The line under an address: what an analyst would ask next about a row's server or client.

use sensor_wire::Few;
use sensor_wire::host::HostRecord;
use sensor_wire::view::ViewRow;

use super::Hosts;

/// Between the parts of a line.
const BETWEEN: &str = " · ";

impl Hosts {
    /// Writes the lines under the row's addresses. A cell that stands for several addresses has none.
    pub fn annotate(&self, row: &mut ViewRow) {
        let record = |few| match few {
            Few::One(address) => self.find(row.key.source, address, None).map(|(_, host)| &host.record),
            Few::None | Few::Many(_) => None,
        };
        let port = match row.server_ports {
            Few::One(port) => Some(port),
            Few::None | Few::Many(_) => None,
        };
        let (server, client) = (record(row.servers), record(row.clients));
        row.server_note = server.map(|server| of_server(server, row.proto, port)).unwrap_or_default();
        row.client_note = client.map(|client| of_client(client, &row.app_protos)).unwrap_or_default();
    }
}

/// Its name, and the program that answers on the row's port; of a host that has neither, its system.
fn of_server(host: &HostRecord, proto: u8, port: Option<u16>) -> String {
    let on_port = host.services.iter().find(|service| service.proto == proto && Some(service.port) == port);
    let program = on_port.filter(|service| !service.product.product.is_empty()).map(|service| service.product.title());
    let name = name(host);
    if name.is_none() && program.is_none() {
        return system(host).unwrap_or_default();
    }
    joined([name, program])
}

/// Its name, and its system; where no system is known the program that spoke the row's protocol, or else spoke last.
fn of_client(host: &HostRecord, protocols: &[String]) -> String {
    let programs = || host.clients.iter().map(|client| &client.product).filter(|product| !product.product.is_empty());
    let program = || {
        let speaks = programs().find(|product| protocols.contains(&product.protocol));
        speaks.or_else(|| programs().next()).map(|product| product.title())
    };
    joined([name(host), system(host).or_else(program)])
}

fn name(host: &HostRecord) -> Option<String> {
    host.names.first().map(|name| name.name.clone())
}

fn system(host: &HostRecord) -> Option<String> {
    host.systems.first().map(|seen| seen.family.clone())
}

fn joined(parts: [Option<String>; 2]) -> String {
    let parts: Vec<String> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    parts.join(BETWEEN)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{host, server};
    use super::*;

    #[test]
    fn a_server_is_told_by_its_name_and_by_what_answers_on_the_port() {
        let files = server("10.0.0.1");
        assert_eq!(of_server(&files, 6, Some(22)), "Files.example · OpenSSH 8.2p1");
        assert_eq!(of_server(&files, 6, Some(80)), "Files.example", "the protocol stands in the row already");
        assert_eq!(of_server(&files, 17, Some(22)), "Files.example", "another protocol's port");
        assert_eq!(of_server(&files, 6, None), "Files.example");
        let nameless = HostRecord { names: Vec::new(), ..files };
        assert_eq!(of_server(&nameless, 6, Some(22)), "OpenSSH 8.2p1");
        assert_eq!(of_server(&nameless, 6, Some(443)), "Linux");
        assert_eq!(of_server(&host("10.0.0.1"), 6, Some(22)), "");
    }

    #[test]
    fn a_client_is_told_by_its_system_or_else_its_program() {
        let mut client = server("10.0.0.1");
        assert_eq!(of_client(&client, &[]), "Files.example · Linux");
        client.systems.clear();
        assert_eq!(of_client(&client, &[]), "Files.example · curl 7.68");
        let mut firefox = client.clients[0].clone();
        (firefox.product.protocol, firefox.product.product) = ("http".into(), "Firefox".into());
        client.clients.insert(0, firefox);
        client.names.clear();
        assert_eq!(of_client(&client, &["tls".into()]), "curl 7.68");
        assert_eq!(of_client(&client, &["dns".into()]), "Firefox 7.68");
        assert_eq!(of_client(&host("10.0.0.1"), &[]), "");
    }
}
