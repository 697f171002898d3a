//! What detection keeps of a flow.

use super::compiled::Operand;
use super::kept::Value;
use super::transaction::Progress;
use crate::applayer::AppProto;
use crate::rules::ast::{BitCommand, FlowintOperation};

/// What detection keeps of a flow; little where nothing was set.
#[derive(Debug, Default)]
pub struct FlowState {
    /// Rules of addresses, and of protocols, were looked at: by direction.
    pub(super) addresses_done: [bool; 2],
    pub(super) protocol_done: [bool; 2],
    /// The packet before was one of an established connection.
    pub(crate) established: bool,
    /// What the flow carries was known before the packet at hand.
    pub(crate) known: bool,
    /// What its payload holds is encrypted: no rule looks into it.
    pub(super) encrypted: bool,
    /// A rule said to pass the flow: nothing of it is looked at.
    pub(super) passed: bool,
    pub(super) variables: Option<Box<Variables>>,
    pub(super) windows: [Option<Box<Window>>; 2],
    /// The protocol whose transactions were looked at, and how far each was.
    pub(super) of: Option<AppProto>,
    pub(super) progress: Vec<Progress>,
    /// Events of the flow that were told.
    pub(super) events: u128,
}

/// Bits and numbers of a flow.
#[derive(Debug, Default)]
pub(super) struct Variables {
    pub(super) bits: Vec<u32>,
    pub(super) ints: Vec<(u32, u32)>,
    /// What groups of expressions took, and the rule they are of.
    pub(super) values: Vec<(u32, Value)>,
    /// Rules whose payload was found, and that wait for a transaction.
    pub(super) found: Vec<u32>,
}

/// The part of a stream that rules look into.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// What was looked at before and can be the start of a match, then what is new.
    pub(super) bytes: Vec<u8>,
    /// How much was looked at.
    pub(super) old: usize,
    /// Where `bytes` begins in the stream.
    pub(super) at: u64,
    /// Rules that were told, and up to where in the stream: what lies before is told of them no second time.
    pub(super) told: Vec<(u32, u64)>,
}

impl FlowState {
    /// Whether nothing of the flow is looked at any more.
    #[must_use]
    pub fn is_passed(&self) -> bool {
        self.passed
    }

    /// Whether what is left of the flow is encrypted.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// Nothing of the flow is looked at from here on.
    pub fn pass(&mut self) {
        self.passed = true;
    }

    /// Bytes on the heap, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let variables = self.variables.as_ref().map_or(0, |it| {
            size_of::<Variables>()
                + (it.bits.capacity() + it.found.capacity()) * 4
                + it.ints.capacity() * 8
                + it.values.iter().map(|(_, (_, value))| size_of::<(u32, Value)>() + value.len()).sum::<usize>()
        });
        let windows = self.windows.iter().flatten();
        let windows = windows.map(|it| size_of::<Window>() + it.bytes.capacity() + it.told.capacity() * 16);
        let progress = self.progress.iter().map(Progress::bytes);
        variables + windows.sum::<usize>() + progress.sum::<usize>()
    }

    pub(super) fn has_bit(&self, bit: u32) -> bool {
        self.variables.as_ref().is_some_and(|it| it.bits.contains(&bit))
    }

    /// `false` if there was no room.
    pub(super) fn change_bit(&mut self, bit: u32, command: BitCommand) -> bool {
        let known = self.has_bit(bit);
        let set = match command {
            BitCommand::Set => true,
            BitCommand::Unset => false,
            BitCommand::Toggle => !known,
            BitCommand::IsSet | BitCommand::IsNotSet | BitCommand::NoAlert => return true,
        };
        if set == known {
            return true;
        }
        let bits = &mut self.variables.get_or_insert_default().bits;
        if !set {
            bits.retain(|known| *known != bit);
        } else if bits.len() < MOST_VARIABLES {
            bits.push(bit);
        } else {
            return false;
        }
        true
    }

    pub(super) fn int(&self, name: u32) -> Option<u32> {
        self.variables.as_ref()?.ints.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    pub(super) fn operand(&self, operand: Operand) -> Option<u32> {
        match operand {
            Operand::None => None,
            Operand::Number(number) => Some(number),
            Operand::Name(name) => self.int(name),
        }
    }

    /// `false` if there was no room.
    pub(super) fn change_int(&mut self, name: u32, operation: FlowintOperation, operand: Operand) -> bool {
        let Some(operand) = self.operand(operand) else { return true };
        let known = self.int(name);
        let value = match (operation, known) {
            (FlowintOperation::Add, Some(known)) => known.wrapping_add(operand),
            (FlowintOperation::Subtract, Some(known)) => known.wrapping_sub(operand),
            // What was never set counts from 0.
            (FlowintOperation::Subtract, None) => 0_u32.wrapping_sub(operand),
            (FlowintOperation::Assign, _) | (FlowintOperation::Add, None) => operand,
            (
                FlowintOperation::Equal
                | FlowintOperation::NotEqual
                | FlowintOperation::Less
                | FlowintOperation::LessOrEqual
                | FlowintOperation::Greater
                | FlowintOperation::GreaterOrEqual
                | FlowintOperation::IsSet
                | FlowintOperation::IsNotSet,
                _,
            ) => return true,
        };
        let ints = &mut self.variables.get_or_insert_default().ints;
        if let Some((_, known)) = ints.iter_mut().find(|(known, _)| *known == name) {
            *known = value;
            return true;
        }
        let room = ints.len() < MOST_VARIABLES;
        if room {
            ints.push((name, value));
        }
        room
    }

    pub(super) fn has_found(&self, rule: u32) -> bool {
        self.variables.as_ref().is_some_and(|it| it.found.contains(&rule))
    }

    /// `false` if there was no room.
    pub(super) fn find(&mut self, rule: u32) -> bool {
        let found = &mut self.variables.get_or_insert_default().found;
        if found.contains(&rule) {
            return true;
        }
        let room = found.len() < MOST_VARIABLES;
        if room {
            found.push(rule);
        }
        room
    }
}

/// Most bits, numbers and so on of a flow; what would be one more is not kept, and counted.
pub(super) const MOST_VARIABLES: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_and_numbers_change_and_are_bounded() {
        let mut state = FlowState::default();
        assert!(state.change_bit(7, BitCommand::Toggle) && state.has_bit(7));
        assert!(state.change_bit(7, BitCommand::Unset) && !state.has_bit(7));
        for bit in 0..MOST_VARIABLES as u32 {
            assert!(state.change_bit(bit, BitCommand::Set));
        }
        assert!(!state.change_bit(9999, BitCommand::Set) && !state.has_bit(9999));
        assert!(state.change_int(1, FlowintOperation::Add, Operand::Number(2)));
        assert!(state.change_int(1, FlowintOperation::Add, Operand::Name(1)));
        assert_eq!((state.int(1), state.int(2)), (Some(4), None));
    }
}
