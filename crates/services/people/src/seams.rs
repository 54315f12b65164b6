//! What this service needs of others, as small traits that the node wires.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use weft_identity::{DeviceKey, NetworkName, Reach};

/// How this node is reached by others, now. Asked whenever an invitation is made.
pub trait Reachability: Send + Sync + 'static {
    /// Its addresses and relays, best first.
    fn reach(&self) -> Reach;
    /// The network it is on.
    fn network(&self) -> NetworkName;
}

/// Who hears which devices are known. Called at start for every contact's device, and at every change. Must not block.
pub trait Introductions: Send + Sync + 'static {
    /// The device belongs to a contact and may be reached so. Said again when more is known.
    fn introduce(&self, device: DeviceKey, reach: &Reach);
    /// The device belongs to somebody the user wants nothing to do with.
    fn block(&self, device: DeviceKey);
    /// The device is a stranger's again.
    fn forget(&self, device: DeviceKey);
}

/// Where peers' devices are seen, as it happens.
#[async_trait]
pub trait Sightings: Send + Sync + 'static {
    /// The next device that came or went, and where it can be reached as far as is known. Strangers' may be among them.
    /// `None` when there will be no more.
    async fn next(&self) -> Option<(DeviceKey, Reach)>;
}

/// Gives the time in Unix seconds.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// The system's clock. A clock before 1970 counts as 1970.
#[must_use]
pub fn system_clock() -> Clock {
    Arc::new(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}
