//! Where the grid stands in a list of any length. Rows are counted, not pixels: a million rows of 28 px would be
//! taller than browsers lay out, and what is counted in rows never has to be.

/// Smallest height of the scrollbar's thumb, so that it can still be caught.
const THUMB_MIN: f64 = 28.0;

/// The scroll position, its limits, and the arithmetic of its scrollbar.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Scroll {
    /// Index of the row at the top; the fraction is the part of it that is above the edge.
    top: f64,
    /// Rows in the list.
    total: u64,
    /// Height of the body in CSS pixels.
    height: f64,
    /// Height of a row in CSS pixels.
    row: f64,
}

impl Scroll {
    /// At the top of an empty list.
    pub fn new(row: f64) -> Scroll {
        Scroll { top: 0.0, total: 0, height: 0.0, row }
    }

    /// Index of the row at the top.
    pub fn first(&self) -> u64 {
        self.top as u64
    }

    /// Pixels of the first row that are above the edge.
    pub fn shift(&self) -> f64 {
        self.top.fract() * self.row
    }

    /// Rows that are at least partly in sight.
    pub fn visible(&self) -> u64 {
        let edge = self.top + self.height / self.row;
        (edge.ceil() as u64).min(self.total).saturating_sub(self.first())
    }

    /// DOM rows that are enough for every position.
    pub fn slots(&self) -> usize {
        (self.height / self.row).ceil() as usize + 1
    }

    /// Rows that fit wholly: what a page key moves by, less one row of context.
    pub fn page(&self) -> u64 {
        ((self.height / self.row) as u64).saturating_sub(1).max(1)
    }

    /// Height of a row in CSS pixels.
    pub fn row_height(&self) -> f64 {
        self.row
    }

    /// Rows in the list.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The first row is wholly in sight: a live tail follows only here.
    pub fn at_top(&self) -> bool {
        self.top <= 0.0
    }

    /// Moves by a fraction of rows. Answers whether anything moved.
    pub fn by(&mut self, rows: f64) -> bool {
        self.to(self.top + rows)
    }

    /// Moves to a row, with its fraction. Answers whether anything moved.
    pub fn to(&mut self, top: f64) -> bool {
        let before = self.top;
        self.top = if top.is_finite() { top.clamp(0.0, self.max()) } else { 0.0 };
        self.top != before
    }

    /// The list holds still at this row while rows come and go above it: its fraction stays.
    pub fn hold(&mut self, first: u64) {
        self.to(first as f64 + self.top.fract());
    }

    /// Moves as little as needed for the row to be wholly in sight.
    pub fn reveal(&mut self, index: u64) -> bool {
        let index = index as f64;
        let fits = self.height / self.row;
        if index < self.top {
            self.to(index)
        } else if index + 1.0 > self.top + fits {
            self.to(index + 1.0 - fits)
        } else {
            false
        }
    }

    /// The list has another length.
    pub fn set_total(&mut self, total: u64) {
        self.total = total;
        self.to(self.top);
    }

    /// The body or its rows have another height.
    pub fn set_size(&mut self, height: f64, row: f64) {
        self.height = height.max(0.0);
        self.row = row.max(1.0);
        self.to(self.top);
    }

    /// Where the scrollbar's thumb stands: its top and height in pixels; `None` when everything is in sight.
    pub fn thumb(&self) -> Option<(f64, f64)> {
        let max = self.max();
        if max <= 0.0 || self.height <= 0.0 {
            return None;
        }
        let height = (self.height * (self.height / self.row) / self.total as f64).max(THUMB_MIN).min(self.height);
        Some(((self.height - height) * self.top / max, height))
    }

    /// Moves so that the thumb's top stands at `y` pixels.
    pub fn drag(&mut self, y: f64) -> bool {
        match self.thumb() {
            Some((_, height)) if self.height > height => self.to(self.max() * y / (self.height - height)),
            Some(_) | None => false,
        }
    }

    /// Index of the row under a height within the body.
    pub fn row_at(&self, y: f64) -> Option<u64> {
        let index = (self.top + y / self.row).floor();
        (y >= 0.0 && index < self.total as f64).then_some(index as u64)
    }

    fn max(&self) -> f64 {
        (self.total as f64 - self.height / self.row).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scroll(total: u64) -> Scroll {
        let mut scroll = Scroll::new(28.0);
        scroll.set_size(280.0, 28.0);
        scroll.set_total(total);
        scroll
    }

    #[test]
    fn ends_are_ends() {
        let mut s = scroll(1_000_000);
        assert!(!s.by(-3.0));
        assert!(s.at_top());
        assert!(s.to(f64::MAX));
        assert_eq!((s.first(), s.visible()), (999_990, 10));
        assert!(s.to(f64::NAN), "what is no number goes to the top rather than nowhere");
        assert_eq!(s.first(), 0);
    }

    #[test]
    fn a_fraction_shows_one_row_more() {
        let mut s = scroll(100);
        assert_eq!(s.visible(), 10);
        s.by(0.5);
        assert_eq!((s.first(), s.visible(), s.shift()), (0, 11, 14.0));
        assert!(s.visible() as usize <= s.slots());
    }

    #[test]
    fn a_short_list_does_not_scroll() {
        let mut s = scroll(3);
        assert!(!s.by(5.0));
        assert_eq!((s.visible(), s.thumb()), (3, None));
        assert_eq!((s.row_at(83.0), s.row_at(84.0), s.row_at(-1.0)), (Some(2), None, None));
    }

    #[test]
    fn a_shrinking_list_keeps_its_last_rows_in_sight() {
        let mut s = scroll(100);
        s.to(90.0);
        s.set_total(20);
        assert_eq!((s.first(), s.visible()), (10, 10));
    }

    #[test]
    fn holding_still_keeps_the_fraction() {
        let mut s = scroll(1_000);
        s.to(40.25);
        s.set_total(1_500);
        s.hold(540);
        assert_eq!((s.first(), s.shift()), (540, 7.0));
    }

    #[test]
    fn revealing_moves_no_more_than_needed() {
        let mut s = scroll(1_000);
        assert!(!s.reveal(9));
        assert!(s.reveal(10));
        assert_eq!(s.first(), 1);
        s.to(500.0);
        s.reveal(499);
        assert_eq!(s.first(), 499);
    }

    #[test]
    fn the_thumb_reaches_both_ends_of_a_million_rows() {
        let mut s = scroll(1_000_000);
        assert_eq!(s.thumb(), Some((0.0, THUMB_MIN)));
        s.drag(280.0 - THUMB_MIN);
        assert_eq!(s.first(), 999_990);
        s.drag(-50.0);
        assert!(s.at_top());
    }
}
