//! An invitation's bytes, version 1. Frozen by the golden fixture: what is written here is what old links hold.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Invitation, InvitationError, MAX_CERTIFICATES, MAX_INVITATION_BYTES};
use crate::{
    device::{DeviceCertificate, Statement},
    key::{DeviceKey, UserKey},
    name::{NetworkName, Petname},
    reach::{MAX_ADDRESSES, MAX_RELAYS, Reach, RelayHint},
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
    places: Vec<Place>,
    relays: Vec<WireRelay>,
}

/// A certificate without the user key, which the body names once.
#[derive(Serialize, Deserialize)]
struct WireCertificate {
    statement: Statement,
    signature: Signature,
}

/// A host with its UDP port, its TCP port, or both: most listen on both, and an IPv6 address need not be said twice.
#[derive(Serialize, Deserialize)]
struct Place {
    ip: IpAddr,
    ports: Ports,
}

#[derive(Serialize, Deserialize, Clone, Copy)]
enum Ports {
    Udp(u16),
    Tcp(u16),
    Both { udp: u16, tcp: u16 },
}

/// UDP addresses in their order; each TCP address joins the first place of its host that has none, or follows.
fn to_places(reach: &Reach) -> Vec<Place> {
    let udp = reach.udp().iter().map(|address| Place { ip: address.ip(), ports: Ports::Udp(address.port()) });
    let mut places: Vec<Place> = udp.collect();
    for address in reach.tcp() {
        let tcp = address.port();
        let joined = places.iter_mut().find_map(|place| match place.ports {
            Ports::Udp(udp) if place.ip == address.ip() => Some((place, udp)),
            _ => None,
        });
        match joined {
            Some((place, udp)) => place.ports = Ports::Both { udp, tcp },
            None => places.push(Place { ip: address.ip(), ports: Ports::Tcp(tcp) }),
        }
    }
    places
}

fn from_places(places: &[Place], relays: &[RelayHint]) -> Reach {
    let at = |place: &Place, port| SocketAddr::new(place.ip, port);
    let udp = places.iter().filter_map(|place| match place.ports {
        Ports::Udp(udp) | Ports::Both { udp, .. } => Some(at(place, udp)),
        Ports::Tcp(_) => None,
    });
    let tcp = places.iter().filter_map(|place| match place.ports {
        Ports::Tcp(tcp) | Ports::Both { tcp, .. } => Some(at(place, tcp)),
        Ports::Udp(_) => None,
    });
    Reach::new(&udp.collect::<Vec<_>>(), &tcp.collect::<Vec<_>>(), relays)
}

/// The same with its TCP addresses in the order that writing and reading keeps.
pub(super) fn in_order(reach: &Reach) -> Reach {
    from_places(&to_places(reach), reach.relays())
}

/// A relay. One that certifies itself is called by 90 to 140 characters that say only a key, an address and perhaps the
/// port of its address discovery, so it is written as these. Which spelling is used follows from the text, both ways.
#[derive(Serialize, Deserialize, PartialEq, Eq)]
enum WireRelay {
    /// As it is.
    Text(RelayHint),
    /// `https://KEY.ADDRESS.weft.internal:PORT/`, with `#DISCOVERY` behind it if there is one.
    SelfNamed { key: DeviceKey, address: SocketAddr, discovery: Option<u16> },
}

const SELF_NAMED_DOMAIN: &str = ".weft.internal";
/// The port that a URL with `https` leaves out.
const HTTPS_PORT: u16 = 443;

fn self_named(key: &DeviceKey, address: &SocketAddr, discovery: Option<u16>) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) => ip.to_string().replace('.', "-"),
        IpAddr::V6(ip) => ip.segments().map(|group| format!("{group:x}")).join("-"),
    };
    let port = match address.port() {
        HTTPS_PORT => String::new(),
        port => format!(":{port}"),
    };
    let discovery = discovery.map(|port| format!("#{port}")).unwrap_or_default();
    format!("https://{key}.{ip}{SELF_NAMED_DOMAIN}{port}/{discovery}")
}

fn parse_dashed(text: &str) -> Option<IpAddr> {
    let groups: Vec<&str> = text.split('-').take(9).collect();
    match groups.len() {
        4 => groups.join(".").parse().ok().map(IpAddr::V4),
        8 => groups.join(":").parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        _ => None,
    }
}

impl WireRelay {
    fn of(relay: &RelayHint) -> Self {
        Self::short(relay.as_str()).unwrap_or_else(|| Self::Text(relay.clone()))
    }

    fn short(text: &str) -> Option<Self> {
        let (host, discovery) = text.strip_prefix("https://")?.split_once('/')?;
        let discovery = match discovery.strip_prefix('#') {
            Some(port) => Some(port.parse().ok()?),
            None => None,
        };
        let (host, port) = match host.split_once(':') {
            Some((host, port)) => (host, port.parse().ok()?),
            None => (host, HTTPS_PORT),
        };
        let (key, ip) = host.strip_suffix(SELF_NAMED_DOMAIN)?.split_once('.')?;
        let key: DeviceKey = key.parse().ok()?;
        let address = SocketAddr::new(parse_dashed(ip)?, port);
        // Only if exactly this text comes back: otherwise the long spelling loses nothing.
        (self_named(&key, &address, discovery) == text).then_some(Self::SelfNamed { key, address, discovery })
    }

    fn into_hint(self) -> Result<RelayHint, InvitationError> {
        match self {
            Self::Text(hint) => Ok(hint),
            Self::SelfNamed { key, address, discovery } => RelayHint::new(&self_named(&key, &address, discovery))
                .map_err(|_| InvitationError::Malformed("a relay's name is too long")),
        }
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
        places: to_places(&invitation.reach),
        relays: invitation.reach.relays().iter().map(WireRelay::of).collect(),
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
    if body.places.len() > MAX_ADDRESSES * 2 || body.relays.len() > MAX_RELAYS {
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
        reach: from_places(&body.places, &relays),
        signature,
    })
}

/// The body's parser alone, for the fuzzer: what it can reach without being able to sign. Says whether it read one.
pub(super) fn fuzz_body(bytes: &[u8]) -> bool {
    let Ok(body) = read_body(bytes) else { return false };
    let again = postcard::to_allocvec(&body).expect("what was read can be written");
    let reread = read_body(&again).expect("what was written can be read");
    assert_eq!(postcard::to_allocvec(&reread).ok(), Some(again), "writing settles after one round");
    let mut relays = Vec::new();
    for relay in body.relays {
        if let Ok(hint) = relay.into_hint() {
            let short = WireRelay::of(&hint).into_hint().expect("a relay that was read can be written");
            assert_eq!(short, hint, "the short spelling of a relay loses nothing");
            relays.push(hint);
        }
    }
    let reach = from_places(&body.places, &relays);
    let settled = in_order(&reach);
    assert_eq!(in_order(&settled), settled, "an order that was written is kept");
    assert!(reach.is_bounded());
    true
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
            (format!("https://{key}.198-51-100-4.weft.internal/"), true),
            (format!("https://{key}.198-51-100-4.weft.internal:9339/#9340"), true),
            (format!("https://{key}.2001-db8-0-0-0-0-0-7.weft.internal:4433/"), true),
            (format!("https://{key}.0-0-0-0-0-ffff-c633-6404.weft.internal:4433/"), true),
            (format!("https://{key}.2001-db8--7.weft.internal:4433/"), false),
            (format!("https://{key}.2001-DB8-0-0-0-0-0-7.weft.internal:4433/"), false),
            (format!("https://{key}.198-51-100-4.weft.internal:443/"), false),
            (format!("https://{key}.198-51-100-4.weft.internal:9339"), false),
            (format!("https://{key}.198-51-100-4.weft.internal:9339/path"), false),
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
