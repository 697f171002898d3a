//! Places for handshakes: so many in all, a few of them for one address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Handshakes that run at a time from one IPv4 address, or one /64 of IPv6, which is what one machine may have to itself.
pub const MAX_HANDSHAKES_OF_ONE: u8 = 4;

/// All places.
#[derive(Debug)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    /// Taken by each address; never more entries than places.
    taken: Arc<Mutex<HashMap<IpAddr, u8>>>,
}

/// A place that nobody has yet.
pub(super) struct FreePlace {
    permit: OwnedSemaphorePermit,
    taken: Arc<Mutex<HashMap<IpAddr, u8>>>,
}

/// A place that is taken, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
    taken: Arc<Mutex<HashMap<IpAddr, u8>>>,
    network: IpAddr,
}

impl Places {
    pub(super) fn new(count: usize) -> Places {
        Places { free: Arc::new(Semaphore::new(count)), taken: Arc::default() }
    }

    /// Waits until there is one.
    pub(super) async fn free(&self) -> FreePlace {
        loop {
            if let Ok(permit) = Arc::clone(&self.free).acquire_owned().await {
                return FreePlace { permit, taken: Arc::clone(&self.taken) };
            }
            // It is never closed.
            tokio::task::yield_now().await;
        }
    }
}

impl FreePlace {
    /// Takes it for an address; `None` where that one has its share.
    pub(super) fn of(self, address: IpAddr) -> Option<Place> {
        let network = network(address);
        {
            let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            let count = taken.entry(network).or_default();
            if *count >= MAX_HANDSHAKES_OF_ONE {
                return None;
            }
            *count += 1;
        }
        Some(Place { _permit: self.permit, taken: self.taken, network })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.network);
            }
        }
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        four => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn one_address_has_its_share_and_gives_it_back() {
        let places = Places::new(64);
        let mut held = Vec::new();
        for _ in 0..MAX_HANDSHAKES_OF_ONE {
            held.push(places.free().await.of(address("192.0.2.1")).unwrap());
        }
        assert!(places.free().await.of(address("192.0.2.1")).is_none());
        assert!(places.free().await.of(address("::ffff:192.0.2.1")).is_none(), "the same machine");
        assert!(places.free().await.of(address("192.0.2.2")).is_some());
        held.pop();
        assert!(places.free().await.of(address("192.0.2.1")).is_some());
        held.clear();
        assert!(places.taken.lock().unwrap().is_empty());
        assert_eq!(places.free.available_permits(), 64);
    }

    #[tokio::test]
    async fn a_network_of_ipv6_is_one() {
        let places = Places::new(64);
        let held: Vec<_> = futures_of(&places, "2001:db8:0:1::").await;
        assert_eq!(held.len(), usize::from(MAX_HANDSHAKES_OF_ONE));
        assert!(places.free().await.of(address("2001:db8:0:1:ffff::9")).is_none());
        assert!(places.free().await.of(address("2001:db8:0:2::1")).is_some());
    }

    async fn futures_of(places: &Places, network: &str) -> Vec<Place> {
        let mut held = Vec::new();
        for number in 1..=MAX_HANDSHAKES_OF_ONE {
            held.extend(places.free().await.of(address(&format!("{network}{number}"))));
        }
        held
    }

    #[tokio::test]
    async fn when_all_are_taken_the_next_one_waits() {
        let places = Places::new(2);
        let first = places.free().await.of(address("192.0.2.1")).unwrap();
        let _second = places.free().await.of(address("192.0.2.2")).unwrap();
        let mut third = Box::pin(places.free());
        let waits = tokio::select! { biased; _ = &mut third => false, () = tokio::task::yield_now() => true };
        assert!(waits);
        drop(first);
        assert!(third.await.of(address("192.0.2.3")).is_some());
    }
}
