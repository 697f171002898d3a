//! Which flow gives way when the table is full: the one closed longest, then the one idle longest.

use std::collections::VecDeque;

use sensor_wire::Timestamp;
use sensor_wire::flow::FlowState;

use super::FlowIndex;
use super::flows::Flows;

/// Flows in the order in which they give way.
#[derive(Debug, Default)]
pub struct Yielding {
    /// Closed flows, oldest first. Ended ones stay until they are come to.
    closed: VecDeque<FlowIndex>,
    /// The flows idle longest at the last look at all, the idlest last, with their last packet then: one that was
    /// active since is passed over. A look at all gives as many as it took a sixteenth of the time for.
    idle: Vec<(FlowIndex, Timestamp)>,
}

impl Yielding {
    /// A flow has closed; at most `most` are remembered.
    pub fn closed(&mut self, flow: FlowIndex, most: usize) {
        if self.closed.len() >= most {
            self.closed.pop_front();
        }
        self.closed.push_back(flow);
    }

    /// The flow that gives way. `None` when none is open.
    pub fn next(&mut self, flows: &Flows) -> Option<FlowIndex> {
        let open = |index: FlowIndex| flows.get(index).filter(|f| f.end.is_none());
        while let Some(index) = self.closed.pop_front() {
            if open(index).is_some_and(|f| f.state == FlowState::Closed) {
                return Some(index);
            }
        }
        loop {
            while let Some((index, last)) = self.idle.pop() {
                if open(index).is_some_and(|f| f.last == last) {
                    return Some(index);
                }
            }
            self.look(flows);
            if self.idle.is_empty() {
                return None;
            }
        }
    }

    #[cold]
    fn look(&mut self, flows: &Flows) {
        let seen = |index: FlowIndex| flows.get(index).map_or(u32::MAX, |f| f.seen);
        self.idle.clear();
        let all = flows.iter().filter(|(_, f)| f.end.is_none());
        self.idle.extend(all.map(|(index, f)| (index, f.last)));
        let wanted = self.idle.len() / PART + 1;
        if wanted < self.idle.len() {
            self.idle.select_nth_unstable_by_key(wanted, |(index, last)| (seen(*index), *last));
            self.idle.truncate(wanted);
        }
        self.idle.sort_unstable_by_key(|(index, last)| std::cmp::Reverse((seen(*index), *last)));
    }
}

/// The part of all flows that one look at them puts in line.
const PART: usize = 16;
