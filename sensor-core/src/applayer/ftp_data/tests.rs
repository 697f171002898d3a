use super::*;
use crate::applayer::Transport;
use crate::applayer::parser::{Announced, FileState, Settings};

fn context<'a>(settings: &'a Settings, about: &str) -> Context<'a> {
    let about = about.as_bytes().into();
    let announced = Announced { listener: Side::ToClient, port: 50000, app: AppProto::FtpData, about };
    let transport = Transport::Tcp;
    Context { time: 0, transport, ports: (40000, 50000), settings, next: None, announced: Some(announced) }
}

fn line(data: &FtpData) -> String {
    let mut line = Vec::new();
    Object::write(&mut line, |object| data.transfer.as_ref().unwrap().eve(object));
    String::from_utf8(line).unwrap()
}

#[test]
fn a_flow_is_a_file_that_its_command_names() {
    let settings = Settings { file_bytes: 4, ..Settings::default() };
    for (about, side, eve) in [
        ("RETR dir/a b.txt", Side::ToClient, r#"{"filename":"dir/a b.txt","command":"RETR"}"#),
        ("STOR up", Side::ToServer, r#"{"filename":"up","command":"STOR"}"#),
    ] {
        let mut data = FtpData::default();
        assert_eq!(data.data(side, b"abc", &mut context(&settings, about)), Parsed::More);
        data.data(side, b"def", &mut context(&settings, "STOR other"));
        let transaction = data.transaction(0).unwrap();
        assert_eq!((transaction.progress(side), data.ids()), (0, 0..1));
        Parser::end(&mut data, Side::ToServer, &mut context(&settings, ""));
        Parser::end(&mut data, Side::ToClient, &mut context(&settings, ""));
        let transaction = data.transaction(0).unwrap();
        let [file] = transaction.files() else { panic!("there is one") };
        assert_eq!((file.size, &file.head[..], file.state), (6, &b"abcd"[..], FileState::Closed));
        assert_eq!((file.to_client, transaction.progress(side)), (side == Side::ToClient, COMPLETE));
        assert_eq!(line(&data), eve);
        let stor =
            Body::Words(WordTest { field: WordField::FtpDataCommand, words: Box::new([(false, "stor".into())]) });
        assert_eq!(transaction.holds(&stor, side), about.starts_with("STOR"));
        data.release(0);
        assert!(data.transaction(0).is_none() && data.ids().is_empty());
    }
}

#[test]
fn lists_are_no_files_and_flows_nobody_spoke_of_are_not_read() {
    let settings = Settings::default();
    let mut data = FtpData::default();
    data.data(Side::ToClient, b"-rw-r--r--", &mut context(&settings, "LIST "));
    assert_eq!((line(&data), data.transaction(0).unwrap().files().len()), (r#"{"command":"LIST"}"#.into(), 0));
    let mut data = FtpData::default();
    let mut cx = context(&settings, "");
    cx.announced = None;
    assert_eq!((data.data(Side::ToClient, b"x", &mut cx), data.ids()), (Parsed::Failed, 0..0));
}

#[test]
fn a_hole_cuts_the_file() {
    let settings = Settings::default();
    let mut data = FtpData::default();
    data.data(Side::ToClient, b"abc", &mut context(&settings, "RETR a"));
    data.gap(Side::ToClient, 100, &mut context(&settings, ""));
    data.data(Side::ToClient, b"def", &mut context(&settings, ""));
    Parser::end(&mut data, Side::ToClient, &mut context(&settings, ""));
    let file = &data.transaction(0).unwrap().files()[0];
    assert_eq!((file.size, file.state, file.gaps), (106, FileState::Truncated, true));
}
