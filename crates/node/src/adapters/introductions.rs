//! The overlay hears from people whose devices are known, and whose are blocked.

use std::collections::HashSet;

use parking_lot::Mutex;
use weft_identity::{DeviceKey, Reach};
use weft_overlay::Overlay;
use weft_people::Introductions;

use super::addresses_of;

/// Tells the overlay.
pub(crate) struct Introducer {
    overlay: Overlay,
    /// Devices denied because their user is blocked. What the operator denies by the setting `overlay.deny` is not
    /// here, and stays denied whatever the address book says. Bounded by the address book.
    blocked: Mutex<HashSet<DeviceKey>>,
}

impl Introducer {
    pub(crate) fn new(overlay: Overlay) -> Self {
        Introducer { overlay, blocked: Mutex::default() }
    }

    fn unblock(&self, device: &DeviceKey) {
        if self.blocked.lock().remove(device) {
            self.overlay.limits().modify(|limits| {
                limits.deny_keys.remove(device);
            });
        }
    }
}

impl Introductions for Introducer {
    fn introduce(&self, device: DeviceKey, reach: &Reach) {
        self.unblock(&device);
        self.overlay.add_peer(device, addresses_of(reach));
    }

    fn block(&self, device: DeviceKey) {
        self.overlay.limits().modify(|limits| {
            if limits.deny_keys.insert(device) {
                self.blocked.lock().insert(device);
            }
        });
        self.overlay.enforce_limits();
    }

    fn forget(&self, device: DeviceKey) {
        self.unblock(&device);
    }
}
