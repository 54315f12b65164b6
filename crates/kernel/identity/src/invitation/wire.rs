//! An invitation's bytes, version 1. Frozen by the golden fixture: what is written here is what old links hold.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Invitation, InvitationError, MAX_CERTIFICATES, MAX_INVITATION_BYTES};
use crate::{
    device::{DeviceCertificate, Statement},
    key::{DeviceKey, UserKey},
    name::{NetworkName, Petname},
    reach::{MAX_ADDRESSES, MAX_RELAYS, RelayHint},
    signature::{Purpose, SIGNATURE_BYTES, Signature},
};

const VERSION: u8 = 1;
const CHECKSUM_BYTES: usize = 4;

/// The body: postcard of this, in this order.
#[derive(Serialize, Deserialize)]
struct Body {
    user: UserKey,
    network: NetworkName,
    petname: Option<Petname>,
    expires: Option<u64>,
    certificates: Vec<WireCertificate>,
    addresses: Vec<SocketAddr>,
    relays: Vec<WireRelay>,
}

/// A certificate without the user key, which the body names once.
#[derive(Serialize, Deserialize)]
struct WireCertificate {
    statement: Statement,
    signature: Signature,
}

/// A relay's URL. A relay that certifies itself has a URL of 90 to 130 characters that says only a key and an address,
/// so it is written as these. Which spelling is used follows from the URL, both ways.
#[derive(Serialize, Deserialize, PartialEq, Eq)]
enum WireRelay {
    /// As it is.
    Url(RelayHint),
    /// `https://KEY.ADDRESS.weft.internal:PORT`, with a slash at the end if `slash`.
    SelfNamed { key: DeviceKey, address: SocketAddr, slash: bool },
}

const SELF_NAMED_SUFFIX: &str = ".weft.internal";

fn self_named_url(key: &DeviceKey, address: &SocketAddr, slash: bool) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) => ip.to_string().replace('.', "-"),
        IpAddr::V6(ip) => ip.to_string().replace(':', "-"),
    };
    let end = if slash { "/" } else { "" };
    format!("https://{key}.{ip}{SELF_NAMED_SUFFIX}:{}{end}", address.port())
}

impl WireRelay {
    fn of(relay: &RelayHint) -> Self {
        Self::self_named(relay.as_str()).unwrap_or_else(|| Self::Url(relay.clone()))
    }

    fn self_named(url: &str) -> Option<Self> {
        let slash = url.ends_with('/');
        let (host, port) = url.strip_prefix("https://")?.trim_end_matches('/').split_once(':')?;
        let (key, ip) = host.strip_suffix(SELF_NAMED_SUFFIX)?.split_once('.')?;
        let key: DeviceKey = key.parse().ok()?;
        let v4 = || ip.replace('-', ".").parse().map(IpAddr::V4).ok();
        let v6 = || ip.replace('-', ":").parse().map(IpAddr::V6).ok();
        let address = SocketAddr::new(v4().or_else(v6)?, port.parse().ok()?);
        // Only if exactly this URL comes back: otherwise the long spelling loses nothing.
        (self_named_url(&key, &address, slash) == url).then_some(Self::SelfNamed { key, address, slash })
    }

    fn into_hint(self) -> Result<RelayHint, InvitationError> {
        let hint = match &self {
            Self::Url(hint) => hint.clone(),
            Self::SelfNamed { key, address, slash } => RelayHint::new(&self_named_url(key, address, *slash))
                .map_err(|_| InvitationError::Malformed("a relay's name is too long"))?,
        };
        Ok(hint)
    }
}

/// What the device signs: version and body.
pub(super) fn signed_part(invitation: &Invitation) -> Vec<u8> {
    let body = Body {
        user: invitation.user(),
        network: invitation.network.clone(),
        petname: invitation.petname.clone(),
        expires: invitation.expires,
        certificates: invitation
            .certificates
            .iter()
            .map(|certificate| WireCertificate {
                statement: certificate.statement().clone(),
                signature: *certificate.signature(),
            })
            .collect(),
        addresses: invitation.addresses.clone(),
        relays: invitation.relays.iter().map(WireRelay::of).collect(),
    };
    postcard::to_extend(&body, vec![VERSION]).expect("an invitation holds nothing postcard cannot write")
}

pub(super) fn encode(invitation: &Invitation) -> Vec<u8> {
    let mut bytes = signed_part(invitation);
    bytes.extend_from_slice(invitation.signature.as_bytes());
    with_checksum(bytes)
}

pub(super) fn with_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
    let hash: [u8; 32] = Sha256::digest(&bytes).into();
    bytes.extend_from_slice(&hash[..CHECKSUM_BYTES]);
    bytes
}

pub(super) fn decode(bytes: &[u8]) -> Result<Invitation, InvitationError> {
    if bytes.len() > MAX_INVITATION_BYTES {
        return Err(InvitationError::TooLong);
    }
    let (bytes, checksum) = bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or(InvitationError::TooShort)?;
    if !Sha256::digest(bytes).starts_with(checksum) {
        return Err(InvitationError::Checksum);
    }
    match bytes.first() {
        Some(&VERSION) => {}
        Some(&later) if later > VERSION => return Err(InvitationError::NewerVersion(later)),
        _ => return Err(InvitationError::Malformed("it has no version")),
    }
    let (signed, signature) = bytes.split_last_chunk::<SIGNATURE_BYTES>().ok_or(InvitationError::TooShort)?;
    let body = read_body(signed.get(1..).unwrap_or_default())?;
    let signature = Signature::from_bytes(*signature);
    let invitation = assemble(body, signature)?;
    // One meaning has one spelling, so that nobody can make a second text of the same invitation.
    if signed_part(&invitation) != signed {
        return Err(InvitationError::Malformed("it is spelled in an unusual way"));
    }
    let signer = invitation.certificate().device();
    signer.verify(Purpose::INVITATION, signed, &signature).map_err(|_| InvitationError::Signature)?;
    Ok(invitation)
}

/// Reads the body and its bounds. Nothing in it is believed yet.
fn read_body(bytes: &[u8]) -> Result<Body, InvitationError> {
    let body = match postcard::take_from_bytes::<Body>(bytes) {
        Ok((body, [])) => body,
        Ok(_) => return Err(InvitationError::Malformed("there is something after its end")),
        Err(_) => return Err(InvitationError::Malformed("a key, name, address or number in it cannot be read")),
    };
    if body.certificates.is_empty() || body.certificates.len() > MAX_CERTIFICATES {
        return Err(InvitationError::Malformed("it has no device certificate, or too many"));
    }
    if body.addresses.len() > MAX_ADDRESSES || body.relays.len() > MAX_RELAYS {
        return Err(InvitationError::Malformed("it has too many addresses or relays"));
    }
    Ok(body)
}

/// Checks every certificate's signature.
fn assemble(body: Body, signature: Signature) -> Result<Invitation, InvitationError> {
    let user = body.user;
    let certificates = body
        .certificates
        .into_iter()
        .map(|wire| DeviceCertificate::assemble(user, wire.statement, wire.signature))
        .collect::<Result<Vec<_>, _>>()?;
    let relays = body.relays.into_iter().map(WireRelay::into_hint).collect::<Result<Vec<_>, _>>()?;
    Ok(Invitation {
        network: body.network,
        petname: body.petname,
        expires: body.expires,
        certificates,
        addresses: body.addresses,
        relays,
        signature,
    })
}

/// The body's parser alone, for the fuzzer: what it can reach without being able to sign.
pub(super) fn fuzz_body(bytes: &[u8]) {
    if let Ok(body) = read_body(bytes) {
        let again = postcard::to_allocvec(&body).expect("what was read can be written");
        let reread = read_body(&again).expect("what was written can be read");
        assert_eq!(postcard::to_allocvec(&reread).ok(), Some(again), "writing settles after one round");
        for relay in body.relays {
            if let Ok(hint) = relay.into_hint() {
                let short = WireRelay::of(&hint).into_hint().expect("a relay that was read can be written");
                assert_eq!(short, hint, "the short spelling of a relay loses nothing");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::DeviceSecret;

    #[test]
    fn self_named_relays_are_shortened_and_come_back() {
        let key = DeviceSecret::from_bytes(&[1; 32]).public();
        for (url, short) in [
            (format!("https://{key}.198-51-100-4.weft.internal:9339/"), true),
            (format!("https://{key}.198-51-100-4.weft.internal:9339"), true),
            (format!("https://{key}.2001-db8--7.weft.internal:443/"), true),
            (format!("https://{key}.2001-DB8--7.weft.internal:443/"), false),
            (format!("https://{key}.198-51-100-4.weft.internal:09339/"), false),
            (format!("https://{key}.198-51-100-4.weft.internal:9339//"), false),
            (format!("http://{key}.198-51-100-4.weft.internal:9339/"), false),
            ("https://relay.example/".to_owned(), false),
        ] {
            let hint = RelayHint::new(&url).unwrap();
            let wire = WireRelay::of(&hint);
            assert_eq!(matches!(wire, WireRelay::SelfNamed { .. }), short, "{url}");
            assert!(wire.into_hint().unwrap() == hint, "{url}");
        }
    }

    #[test]
    fn claimed_lengths_do_not_allocate() {
        // A vector that claims 2^32 certificates in a handful of bytes.
        let key = UserKey::from_bytes(*DeviceSecret::from_bytes(&[1; 32]).public().as_bytes()).unwrap();
        let mut bytes = key.as_bytes().to_vec();
        bytes.extend_from_slice(&[3, b'l', b'a', b'b', 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f]);
        assert!(matches!(read_body(&bytes), Err(InvitationError::Malformed(_))));
    }
}
