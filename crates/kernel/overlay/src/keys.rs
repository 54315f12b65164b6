//! One key, three names: ours, iroh's, the DHT's.

use iroh::{EndpointId, SecretKey};
use weft_identity::DeviceSecret;

/// A peer's key: the device key its certificate names. The same bytes are its iroh endpoint id, its TLS key and the
/// key of its DHT records.
pub use weft_identity::DeviceKey as PeerKey;

/// The key as iroh's endpoint id. `None` for bytes that iroh does not take, which a [`PeerKey`] never has.
pub(crate) fn endpoint_id(key: &PeerKey) -> Option<EndpointId> {
    EndpointId::from_bytes(key.as_bytes()).ok()
}

/// The key of an endpoint. `None` for weak points of the curve: whoever shows one is refused.
pub(crate) fn peer_key(id: &EndpointId) -> Option<PeerKey> {
    PeerKey::from_bytes(*id.as_bytes()).ok()
}

/// The device's key as iroh takes it. It zeroises its copy when it is dropped.
pub(crate) fn transport_secret(secret: &DeviceSecret) -> SecretKey {
    SecretKey::from_bytes(&secret.expose_for_transport())
}
