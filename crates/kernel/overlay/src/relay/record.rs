//! The signed role record: what a peer that offers a role says of it, worth believing wherever it was got.
//!
//! Served on `role/1` streams, kept in the DHT under the peer's key with the role as BEP 44 salt.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};
use weft_identity::{DeviceSecret, Purpose, Signature};

use super::name::RelayHint;
use crate::config::Network;
use crate::connector::StreamType;
use crate::keys::PeerKey;

/// The stream on which a peer is asked for its role record.
pub const ROLE_STREAM: StreamType = StreamType::new("role/1");

/// The role of a relay.
pub const RELAY_ROLE: &str = "relay";

/// BEP 44 salt of the relay's role record.
pub(crate) const RELAY_SALT: &[u8] = b"weft/role/relay";

const ROLE: Purpose = Purpose::named("overlay/role-record/1");

/// BEP 44 allows a value of 1,000 bytes.
pub(crate) const MAX_RECORD: usize = 1000;

/// 4 h: twice what a BEP 44 record lives without being put again.
pub(crate) const RECORD_LIFE: Duration = Duration::from_secs(4 * 3600);

/// A day: records of a clock that is fast are taken, records for eternity are not.
const MAX_AHEAD: Duration = Duration::from_secs(24 * 3600);

/// What a peer says of a role it offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleRecord {
    /// Who offers it.
    pub peer: PeerKey,
    /// In which network: [`Network::wire_name`].
    pub network: String,
    /// Which role.
    pub role: String,
    /// Where: for a relay, its URL and discovery port.
    pub relay: RelayHint,
    /// Unix seconds until which it holds.
    pub expires: u64,
}

/// The record's very bytes are signed and kept, so that no second form of it has a valid signature.
#[derive(Serialize, Deserialize)]
struct Signed<'a> {
    version: u8,
    #[serde(borrow)]
    record: &'a [u8],
    signature: Signature,
}

const VERSION: u8 = 1;

/// Why a role record is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadRecord {
    /// It is not one, or of a newer version.
    #[error("not a role record this version understands")]
    Malformed,
    /// Its time is over, or a clock is wrong.
    #[error("the role record expired, or a clock is wrong")]
    Expired,
    /// It speaks of another network, peer or role.
    #[error("the role record is for another network, peer or role")]
    Foreign,
    /// The peer did not sign it.
    #[error("the role record's signature does not match")]
    Signature,
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

impl RoleRecord {
    /// The record of a relay offered in `network`, good for [`RECORD_LIFE`].
    pub(crate) fn relay(secret: &DeviceSecret, network: &Network, relay: RelayHint, now: SystemTime) -> Self {
        RoleRecord {
            peer: secret.public(),
            network: network.wire_name(),
            role: RELAY_ROLE.to_owned(),
            relay,
            expires: seconds(now).saturating_add(RECORD_LIFE.as_secs()),
        }
    }

    /// The record with its signature, as it goes over wires.
    pub(crate) fn sign(&self, secret: &DeviceSecret) -> Vec<u8> {
        let record = postcard::to_allocvec(self).expect("a record holds nothing postcard cannot write");
        let signed = Signed { version: VERSION, record: &record, signature: secret.sign(ROLE, &record) };
        postcard::to_allocvec(&signed).expect("a record holds nothing postcard cannot write")
    }

    /// Reads and checks a record that `peer` shows, or that was found under `peer`'s key.
    pub(crate) fn verify(bytes: &[u8], peer: &PeerKey, network: &Network, now: SystemTime) -> Result<Self, BadRecord> {
        if bytes.len() > MAX_RECORD {
            return Err(BadRecord::Malformed);
        }
        let signed: Signed<'_> = postcard::from_bytes(bytes).map_err(|_| BadRecord::Malformed)?;
        if signed.version != VERSION {
            return Err(BadRecord::Malformed);
        }
        let record: RoleRecord = postcard::from_bytes(signed.record).map_err(|_| BadRecord::Malformed)?;
        if record.peer != *peer || record.network != network.wire_name() || record.role != RELAY_ROLE {
            return Err(BadRecord::Foreign);
        }
        let now = seconds(now);
        if record.expires <= now || record.expires > now.saturating_add(RECORD_LIFE.as_secs() + MAX_AHEAD.as_secs()) {
            return Err(BadRecord::Expired);
        }
        peer.verify(ROLE, signed.record, &signed.signature).map_err(|_| BadRecord::Signature)?;
        Ok(record)
    }
}

/// Where a role is announced in the DHT (BEP 5): SHA-1 of `weft/1/<network>/<role>/<shard>`.
pub(crate) fn role_info_hash(network: &Network, role: &str, shard: u32) -> [u8; 20] {
    Sha1::digest(format!("weft/1/{}/{role}/{shard}", network.wire_name())).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::relay::RelayName;

    fn secret(seed: u8) -> DeviceSecret {
        DeviceSecret::from_bytes(&[seed; 32])
    }

    fn hint() -> RelayHint {
        let name = RelayName { key: secret(9).public(), address: "203.0.113.7:443".parse().unwrap() };
        name.url().parse().unwrap()
    }

    #[test]
    fn records_are_believed_from_their_peer_in_their_network_in_their_time() {
        let now = SystemTime::now();
        let private = Network::Private { name: "lab".parse().unwrap() };
        let record = RoleRecord::relay(&secret(1), &private, hint(), now);
        let bytes = record.sign(&secret(1));
        assert!(bytes.len() < MAX_RECORD);
        let peer = secret(1).public();
        assert_eq!(RoleRecord::verify(&bytes, &peer, &private, now), Ok(record.clone()));
        assert_eq!(RoleRecord::verify(&bytes, &secret(2).public(), &private, now), Err(BadRecord::Foreign));
        assert_eq!(RoleRecord::verify(&bytes, &peer, &Network::Public, now), Err(BadRecord::Foreign));
        assert_eq!(RoleRecord::verify(&bytes, &peer, &private, now + RECORD_LIFE), Err(BadRecord::Expired));
        assert_eq!(RoleRecord::verify(&record.sign(&secret(2)), &peer, &private, now), Err(BadRecord::Signature));
    }

    proptest! {
        #[test]
        fn changed_records_are_refused(at in 0usize..200, with: u8) {
            let now = SystemTime::now();
            let network = Network::Public;
            let mut bytes = RoleRecord::relay(&secret(1), &network, hint(), now).sign(&secret(1));
            let at = at % bytes.len();
            prop_assume!(bytes[at] != with);
            bytes[at] = with;
            prop_assert!(RoleRecord::verify(&bytes, &secret(1).public(), &network, now).is_err());
        }

        #[test]
        fn any_bytes_are_answered_not_panicked_at(bytes: Vec<u8>) {
            prop_assert!(RoleRecord::verify(&bytes, &secret(1).public(), &Network::Public, SystemTime::now()).is_err());
        }
    }
}
