//! Where a live capture's packets went.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use sensor_wire::live::CaptureStatus;

/// Counters that the capture's thread keeps and anyone reads, and the wish to stop.
#[derive(Debug)]
pub struct Tally {
    interface: String,
    received: AtomicU64,
    kernel_drops: AtomicU64,
    interface_drops: AtomicU64,
    queue_drops: AtomicU64,
    stop: AtomicBool,
}

impl Tally {
    pub(super) fn new(interface: &str) -> Tally {
        Tally {
            interface: interface.to_owned(),
            received: AtomicU64::new(0),
            kernel_drops: AtomicU64::new(0),
            interface_drops: AtomicU64::new(0),
            queue_drops: AtomicU64::new(0),
            stop: AtomicBool::new(false),
        }
    }

    /// Asks the capture to end: what lies in the kernel's buffer is still handed over.
    pub fn stop(&self) {
        self.stop.store(true, Relaxed);
    }

    /// The counters, for viewers.
    pub fn fill(&self, status: &mut CaptureStatus) {
        status.received = self.received.load(Relaxed);
        status.kernel_drops = self.kernel_drops.load(Relaxed);
        status.interface_drops = self.interface_drops.load(Relaxed);
        status.queue_drops = self.queue_drops.load(Relaxed);
    }

    pub(super) fn interface(&self) -> &str {
        &self.interface
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stop.load(Relaxed)
    }

    pub(super) fn drop_queued(&self, packets: u64) {
        self.queue_drops.fetch_add(packets, Relaxed);
    }

    pub(super) fn set_kernel(&self, sums: &KernelSums) {
        self.received.store(sums.received, Relaxed);
        self.kernel_drops.store(sums.dropped, Relaxed);
    }

    pub(super) fn set_interface_drops(&self, drops: u64) {
        self.interface_drops.store(drops, Relaxed);
    }
}

/// libpcap's counters, which have 32 bits and wrap, as sums that don't. They have to be sampled before they wrap twice:
/// in 4 billion packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct KernelSums {
    pub(super) received: u64,
    pub(super) dropped: u64,
    last: (u32, u32),
}

impl KernelSums {
    pub(super) fn sample(&mut self, received: u32, dropped: u32) {
        self.received += u64::from(received.wrapping_sub(self.last.0));
        self.dropped += u64::from(dropped.wrapping_sub(self.last.1));
        self.last = (received, dropped);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_32_bits_that_wrap_are_summed() {
        let mut sums = KernelSums::default();
        for (received, dropped) in [(10, 1), (u32::MAX, 1), (4, u32::MAX), (4, 0)] {
            sums.sample(received, dropped);
        }
        assert_eq!((sums.received, sums.dropped), ((1 << 32) + 4, 1 << 32));
    }
}
