//! Names of functions and what they do, as EVE and rules have them.

use super::message::{Message, function};

/// What a function does, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Access(u8);

const READ: u8 = 1;
const WRITE: u8 = 2;
const DISCRETES: u8 = 4;
const COILS: u8 = 8;
const INPUT: u8 = 16;
const HOLDING: u8 = 32;
const SINGLE: u8 = 64;
const MULTIPLE: u8 = 128;

const BITS: [(u8, &str); 8] = [
    (READ, "READ"),
    (WRITE, "WRITE"),
    (DISCRETES, "DISCRETES"),
    (COILS, "COILS"),
    (INPUT, "INPUT"),
    (HOLDING, "HOLDING"),
    (SINGLE, "SINGLE"),
    (MULTIPLE, "MULTIPLE"),
];

impl Access {
    pub fn reads(self) -> bool {
        self.0 & READ != 0
    }

    pub fn writes(self) -> bool {
        self.0 & WRITE != 0
    }

    /// Whether it is of a table, as rules name it.
    pub fn has(self, table: &str) -> bool {
        let bit = match table {
            "discretes" => DISCRETES,
            "coils" => COILS,
            "input" => INPUT,
            "holding" => HOLDING,
            _ => 0,
        };
        self.0 & bit != 0
    }
}

impl std::fmt::Display for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 == 0 {
            return f.write_str("NONE");
        }
        let mut first = true;
        for (_, name) in BITS.iter().filter(|(bit, _)| self.0 & bit != 0) {
            if !std::mem::take(&mut first) {
                f.write_str(" | ")?;
            }
            f.write_str(name)?;
        }
        Ok(())
    }
}

pub(super) fn access(code: u8) -> Access {
    Access(match code {
        function::READ_COILS => READ | COILS,
        function::READ_DISCRETES => READ | DISCRETES,
        function::READ_HOLDING => READ | HOLDING,
        function::READ_INPUT => READ | INPUT,
        function::WRITE_COIL => WRITE | COILS | SINGLE,
        function::WRITE_REGISTER | function::MASK_WRITE => WRITE | HOLDING | SINGLE,
        function::WRITE_COILS => WRITE | COILS | MULTIPLE,
        function::WRITE_REGISTERS => WRITE | HOLDING | MULTIPLE,
        function::READ_WRITE => READ | WRITE | HOLDING | MULTIPLE,
        _ => 0,
    })
}

/// Who has settled what a function means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Category {
    Unknown,
    Assigned,
    Unassigned,
    User,
    Reserved,
}

impl Category {
    /// Its name in EVE.
    pub fn name(self) -> &'static str {
        match self {
            Category::Unknown => "NONE",
            Category::Assigned => "PUBLIC_ASSIGNED",
            Category::Unassigned => "PUBLIC_UNASSIGNED",
            Category::User => "USER_DEFINED",
            Category::Reserved => "RESERVED",
        }
    }

    /// Whether a rule's word means it.
    pub fn is(self, word: &str) -> bool {
        match word {
            "assigned" => self == Category::Assigned,
            "unassigned" => self == Category::Unassigned,
            "public" => matches!(self, Category::Assigned | Category::Unassigned),
            "user" => self == Category::User,
            "reserved" => self == Category::Reserved,
            "all" => self != Category::Unknown,
            _ => false,
        }
    }
}

/// Section 5 of the specification, and its annex A for what is reserved.
pub(super) fn category(message: &Message) -> Category {
    match message.function & 0x7f {
        0 => Category::Unknown,
        1..=7 | 11 | 12 | 15..=17 | 20..=24 => Category::Assigned,
        function::DIAGNOSTIC if matches!(message.subfunction(), Some(0..=4 | 10..=18 | 20)) => Category::Assigned,
        function::ENCAPSULATED if matches!(message.subfunction(), Some(13 | 14)) => Category::Assigned,
        function::DIAGNOSTIC | function::ENCAPSULATED => Category::Reserved,
        9 | 10 | 13 | 14 | 41 | 42 | 90 | 91 | 125..=127 => Category::Reserved,
        65..=72 | 100..=110 => Category::User,
        _ => Category::Unassigned,
    }
}

pub(super) fn function_name(code: u8) -> &'static str {
    const NAMES: [(u8, &str); 24] = [
        (1, "RdCoils"),
        (2, "RdDiscreteInputs"),
        (3, "RdHoldRegs"),
        (4, "RdInputRegs"),
        (5, "WrSingleCoil"),
        (6, "WrSingleReg"),
        (7, "RdExcStatus"),
        (8, "Diagnostic"),
        (9, "Program484"),
        (10, "Poll484"),
        (11, "GetCommEventCtr"),
        (12, "GetCommEventLog"),
        (13, "ProgramController"),
        (14, "PollController"),
        (15, "WrMultCoils"),
        (16, "WrMultRegs"),
        (17, "ReportServerID"),
        (18, "Program884"),
        (19, "ResetCommLink"),
        (20, "RdFileRec"),
        (21, "WrFileRec"),
        (22, "MaskWrReg"),
        (23, "RdWrMultRegs"),
        (24, "RdFIFOQueue"),
    ];
    let code = code & 0x7f;
    if code == function::ENCAPSULATED {
        return "MEI";
    }
    NAMES.iter().find(|(known, _)| *known == code).map_or("Unknown", |(_, name)| name)
}

pub(super) fn exception_name(code: u8) -> &'static str {
    match code {
        1 => "IllegalFunction",
        2 => "IllegalDataAddr",
        3 => "IllegalDataValue",
        4 => "ServerDeviceFail",
        5 => "Ack",
        6 => "ServerDeviceBusy",
        7 => "NegAck",
        8 => "MemParityErr",
        10 => "GatewayPathUnavailable",
        11 => "GatewayTargetFailToResp",
        _ => "Unknown",
    }
}

pub(super) fn diagnostic_name(code: u16) -> &'static str {
    match code {
        0 => "RetQueryData",
        1 => "RestartCommOpt",
        2 => "RetDiagReg",
        3 => "ChangeInputDelimiter",
        4 => "ForceListenOnlyMode",
        10 => "ClearCtrDiagReg",
        11 => "RetBusMsgCount",
        12 => "RetBusCommErrCount",
        13 => "RetBusExcErrCount",
        14 => "RetServerMsgCount",
        15 => "RetServerNoRespCount",
        16 => "RetServerNAKCount",
        17 => "RetServerBusyCount",
        18 => "RetBusCharOverrunCount",
        19 => "RetOverrunErrCount",
        20 => "ClearOverrunCounterFlag",
        21 => "GetClearPlusStats",
        _ => "Reserved",
    }
}

pub(super) fn encapsulated_name(kind: u8) -> &'static str {
    match kind {
        13 => "CANOpenGenRefReqResp",
        14 => "RdDevId",
        _ => "Unknown",
    }
}
