//! What a flow's record has room for of detection.

/// A place among the states that detection keeps of flows, and what rules did with the flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Detected(u32);

impl Detected {
    /// Where its state is.
    pub(super) fn place(self) -> Option<usize> {
        ((self.0 & PLACE) as usize).checked_sub(1)
    }

    /// `place` is below 2^28.
    pub(super) fn set_place(&mut self, place: Option<usize>) {
        let place = place.map_or(0, |place| place as u32 + 1);
        self.0 = (self.0 & !PLACE) | (place & PLACE);
    }

    /// Whether a rule was told of the flow.
    pub fn alerted(self) -> bool {
        self.0 & ALERTED != 0
    }

    /// The flow is dropped from here on.
    pub fn is_dropped(self) -> bool {
        self.0 & DROPPED != 0
    }

    /// What rules, or the policy for flows whose start was not seen, did with the flow.
    pub fn action(self) -> Option<&'static str> {
        match (self.0 & DROPPED != 0, self.0 & PASSED != 0) {
            (true, _) => Some("drop"),
            (false, true) => Some("pass"),
            (false, false) => None,
        }
    }

    /// A rule said that the flow is not to be looked into any more.
    pub fn is_bypassed(self) -> bool {
        self.0 & BYPASSED != 0
    }

    pub(crate) fn bypass(&mut self) {
        self.0 |= BYPASSED;
    }

    pub(crate) fn tell(&mut self) {
        self.0 |= ALERTED;
    }

    pub(super) fn drop(&mut self) {
        self.0 |= DROPPED;
    }

    pub(crate) fn pass(&mut self) {
        self.0 |= PASSED;
    }
}

const ALERTED: u32 = 1 << 31;
const DROPPED: u32 = 1 << 30;
const PASSED: u32 = 1 << 29;
const BYPASSED: u32 = 1 << 28;
const PLACE: u32 = (1 << 28) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_and_what_was_done_stand_beside_each_other() {
        let mut detected = Detected::default();
        assert_eq!((detected.place(), detected.action(), detected.alerted()), (None, None, false));
        detected.set_place(Some(7));
        detected.tell();
        detected.pass();
        assert_eq!((detected.place(), detected.action(), detected.alerted()), (Some(7), Some("pass"), true));
        detected.bypass();
        assert_eq!((detected.place(), detected.is_bypassed(), detected.is_dropped()), (Some(7), true, false));
        detected.drop();
        detected.set_place(None);
        assert_eq!((detected.place(), detected.action(), detected.is_dropped()), (None, Some("drop"), true));
    }
}
