//! Invitations: one line of text by which two people's devices meet without any server.
//!
//! ```text
//! weft:ahcwkz3…            base32 (RFC 4648, lower-case, no padding) of
//!
//! version 1 (1 byte) ‖ body (postcard) ‖ signature (64 bytes) ‖ checksum (4 bytes)
//! ```
//!
//! Base32 because a QR code packs upper-case letters and digits at 5.5 bits each: the code of
//! [`Invitation::qr_text`] is smaller than base64's, and the text survives being read aloud or changed in case.
//! The checksum (first bytes of SHA-256 of all before it) tells a copying mistake from a forgery. The signature is by the
//! device that invites, over version and body, and that device is the first certificate's.
//!
//! Whoever holds an invitation knows the keys and addresses in it, and no more: it is an introduction, not a
//! permission.

mod wire;

use std::fmt;

use data_encoding::BASE32_NOPAD_NOCASE;

use crate::{
    device::{CertificateError, DeviceCertificate},
    identity::Identity,
    key::UserKey,
    name::{NetworkName, Petname},
    reach::Reach,
    signature::{Purpose, Signature},
};

/// What an invitation's text begins with.
pub const INVITATION_SCHEME: &str = "weft:";
/// Most device certificates: the inviting device and a few others of the same user to try when it is off.
pub const MAX_CERTIFICATES: usize = 4;
/// Longest invitation in bytes: all of its parts at their bounds.
pub const MAX_INVITATION_BYTES: usize = 2304;
/// Longest text taken for an invitation: [`MAX_INVITATION_BYTES`] in base32, and as much again of white space that a
/// mail program may have put in.
const MAX_TEXT_BYTES: usize = MAX_INVITATION_BYTES * 16 / 5;

/// Why a text is no usable invitation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvitationError {
    /// Not `weft:…`.
    #[error("an invitation begins with \"{INVITATION_SCHEME}\", this text does not: copy the whole line")]
    NotInvitation,
    /// Longer than any invitation.
    #[error("this text is longer than any invitation: copy the one line that begins with \"{INVITATION_SCHEME}\"")]
    TooLong,
    /// A character that invitations do not have.
    #[error(
        "character {position} after \"{INVITATION_SCHEME}\" is not one an invitation can have: copy it again, whole"
    )]
    Character {
        /// Its place after the scheme, counted from 1 without white space.
        position: usize,
    },
    /// Shorter than any invitation.
    #[error("the invitation is cut off: copy it again, whole")]
    TooShort,
    /// The checksum does not match.
    #[error("the invitation was not copied exactly (its checksum does not match): copy it again, whole")]
    Checksum,
    /// A later Weft made it.
    #[error("this invitation has format {0}, made by a newer Weft: update yours")]
    NewerVersion(u8),
    /// Its body does not follow the format.
    #[error("the invitation is not well-formed ({0}): ask for a new one")]
    Malformed(&'static str),
    /// A device certificate in it is forged or over.
    #[error("the invitation cannot be believed")]
    Certificate(#[from] CertificateError),
    /// The inviting device did not sign it.
    #[error("the invitation is not signed by the device it names: it was changed or made up; ask for a new one")]
    Signature,
    /// Its time is over.
    #[error("the invitation expired at {expires} (Unix seconds): ask for a new one")]
    Expired {
        /// When, in Unix seconds.
        expires: u64,
    },
}

/// What an inviting node says of itself, beside its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationDraft {
    /// The network both must be on.
    pub network: NetworkName,
    /// Where the device may be reached.
    pub reach: Reach,
    /// What the inviter suggests to be called.
    pub petname: Option<Petname>,
    /// Until when the invitation may be used, Unix seconds.
    pub expires: Option<u64>,
    /// Certificates of other devices of the same user, to be tried when this one is off; at most
    /// [`MAX_CERTIFICATES`] − 1. More are left out.
    pub other_devices: Vec<DeviceCertificate>,
}

impl InvitationDraft {
    /// An invitation to `network` that names keys alone.
    #[must_use]
    pub fn new(network: NetworkName) -> Self {
        Self { network, reach: Reach::default(), petname: None, expires: None, other_devices: Vec::new() }
    }
}

/// An invitation whose certificates and signature were checked: no other value of this type exists.
///
/// ```
/// use weft_identity::{DeviceName, Invitation, InvitationDraft, NetworkName, Reach, RecoveryPhrase, Unlocked};
///
/// let now = 1_700_000_000;
/// let ann = Unlocked::new(&RecoveryPhrase::generate()?, DeviceName::new("laptop")?, now)?.identity;
/// let mut draft = InvitationDraft::new(NetworkName::public());
/// draft.reach = Reach::new(&["192.0.2.7:9338".parse()?], &[], &[]);
///
/// let text = ann.invite(draft).to_string();
/// assert!(text.starts_with("weft:"));
/// let invitation = Invitation::parse(&text, now)?;
/// assert_eq!(invitation.user(), ann.user_key());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    pub(crate) network: NetworkName,
    pub(crate) petname: Option<Petname>,
    pub(crate) expires: Option<u64>,
    /// Never empty; all of the same user; the first one's device signed.
    pub(crate) certificates: Vec<DeviceCertificate>,
    pub(crate) reach: Reach,
    pub(crate) signature: Signature,
}

impl Identity {
    /// Makes an invitation from this device, signed with its key.
    #[must_use]
    pub fn invite(&self, draft: InvitationDraft) -> Invitation {
        let mut certificates = vec![self.certificate().clone()];
        for other in draft.other_devices {
            let known = certificates.iter().any(|known| known.device() == other.device());
            if other.user() == self.user_key() && !known && certificates.len() < MAX_CERTIFICATES {
                certificates.push(other);
            }
        }
        let mut invitation = Invitation {
            network: draft.network,
            petname: draft.petname,
            expires: draft.expires,
            certificates,
            reach: wire::in_order(&draft.reach),
            signature: Signature::from_bytes([0; 64]),
        };
        invitation.signature = self.sign_with_device(Purpose::INVITATION, &wire::signed_part(&invitation));
        invitation
    }
}

impl Invitation {
    /// Reads an invitation's text and checks everything in it: checksum, bounds, every certificate, the device's signature,
    /// and that it is in force at `now` (Unix seconds). White space and case do not matter.
    ///
    /// # Errors
    /// [`InvitationError`] says what is wrong and what to do.
    pub fn parse(text: &str, now: u64) -> Result<Self, InvitationError> {
        let invitation = Self::from_bytes(&text_to_bytes(text)?)?;
        invitation.check(now)?;
        Ok(invitation)
    }

    /// Reads an invitation's bytes, checking all but the time.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), without those of text and time.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvitationError> {
        wire::decode(bytes)
    }

    /// The bytes that the text encodes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        wire::encode(self)
    }

    /// Whether it and the inviting device's certificate are in force at `now` (Unix seconds).
    ///
    /// # Errors
    /// [`InvitationError::Expired`] or [`InvitationError::Certificate`].
    pub fn check(&self, now: u64) -> Result<(), InvitationError> {
        match self.expires {
            Some(expires) if expires <= now => Err(InvitationError::Expired { expires }),
            _ => Ok(self.certificate().check(now)?),
        }
    }

    /// Who invites.
    #[must_use]
    pub fn user(&self) -> UserKey {
        self.certificate().user()
    }

    /// The inviting device's certificate.
    #[must_use]
    pub fn certificate(&self) -> &DeviceCertificate {
        &self.certificates[0]
    }

    /// All device certificates, the inviting device's first.
    #[must_use]
    pub fn certificates(&self) -> &[DeviceCertificate] {
        &self.certificates
    }

    /// The network to be on.
    #[must_use]
    pub fn network(&self) -> &NetworkName {
        &self.network
    }

    /// Where the inviting device may be reached.
    #[must_use]
    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    /// What the inviter suggests to be called.
    #[must_use]
    pub fn petname(&self) -> Option<&Petname> {
        self.petname.as_ref()
    }

    /// Until when it may be used, Unix seconds.
    #[must_use]
    pub fn expires(&self) -> Option<u64> {
        self.expires
    }

    /// The text in upper case, which a QR code stores in its compact alphanumeric mode.
    #[must_use]
    pub fn qr_text(&self) -> String {
        self.to_string().to_ascii_uppercase()
    }
}

impl fmt::Display for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(INVITATION_SCHEME)?;
        f.write_str(&BASE32_NOPAD_NOCASE.encode(&self.to_bytes()).to_ascii_lowercase())
    }
}

fn text_to_bytes(text: &str) -> Result<Vec<u8>, InvitationError> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(InvitationError::TooLong);
    }
    let compact: String = text.split_whitespace().collect();
    let encoded = compact
        .get(..INVITATION_SCHEME.len())
        .filter(|scheme| scheme.eq_ignore_ascii_case(INVITATION_SCHEME))
        .and_then(|scheme| compact.get(scheme.len()..))
        .ok_or(InvitationError::NotInvitation)?;
    let strange = |c: char| !matches!(c, 'a'..='z' | 'A'..='Z' | '2'..='7');
    if let Some(at) = encoded.chars().position(strange) {
        return Err(InvitationError::Character { position: at.saturating_add(1) });
    }
    // Only the length can be wrong now: base32 never ends after 1, 3 or 6 characters of a group.
    BASE32_NOPAD_NOCASE.decode(encoded.as_bytes()).map_err(|_| InvitationError::TooShort)
}

/// What the fuzzer runs on hostile bytes: as bytes of an invitation, as bytes with a right checksum, and as text. Panics
/// if an accepted invitation does not come back the same.
#[doc(hidden)]
pub fn fuzz_invitation(data: &[u8]) {
    let same = |invitation: &Invitation| {
        let text = invitation.to_string();
        assert_eq!(text_to_bytes(&text).ok(), Some(invitation.to_bytes()), "text and bytes agree");
        assert_eq!(Invitation::from_bytes(&invitation.to_bytes()).as_ref(), Ok(invitation), "bytes come back");
    };
    if let Ok(invitation) = Invitation::from_bytes(data) {
        assert_eq!(invitation.to_bytes(), data, "one meaning has one spelling");
        same(&invitation);
    }
    if let Ok(invitation) = Invitation::from_bytes(&wire::with_checksum(data.to_vec())) {
        same(&invitation);
    }
    wire::fuzz_body(data);
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(invitation) = Invitation::parse(text, 0)
    {
        same(&invitation);
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use proptest::prelude::*;

    use super::*;
    use crate::{
        device::{DeviceSecret, Statement},
        identity::Unlocked,
        name::DeviceName,
        phrase::RecoveryPhrase,
        reach::RelayHint,
        user::UserSecrets,
    };

    const NOW: u64 = 1_750_000_000;

    /// The same identity every time: fixed phrase, device key and certificate.
    fn fixed_identity(seed: u8, expires: Option<u64>) -> Identity {
        let user = UserSecrets::from_phrase(&RecoveryPhrase::from_entropy(&[seed; 32])).unwrap();
        let device = DeviceSecret::from_bytes(&[seed.wrapping_add(1); 32]);
        let statement = Statement {
            device: device.public(),
            name: DeviceName::new("laptop").unwrap(),
            created: 1_700_000_000,
            expires,
            serial: 0x1234_5678_9abc_def0,
        };
        let certificate = DeviceCertificate::issue(&user, statement);
        Unlocked::assemble(user, device, certificate).identity
    }

    fn self_named_relay(seed: u8, address: &str) -> RelayHint {
        let key = DeviceSecret::from_bytes(&[seed; 32]).public();
        RelayHint::new(&format!("https://{key}.{address}.weft.internal:9339/")).unwrap()
    }

    fn typical() -> InvitationDraft {
        let mut draft = InvitationDraft::new(NetworkName::public());
        let places =
            ["192.168.1.20:9338", "203.0.113.7:9338", "[2001:db8::7]:9338"].map(|place| place.parse().unwrap());
        let relays = [self_named_relay(40, "198-51-100-4"), self_named_relay(41, "198-51-100-9")];
        draft.reach = Reach::new(&places, &places, &relays);
        draft.petname = Some(Petname::new("Ann").unwrap());
        draft
    }

    #[test]
    fn typical_invitation_fits_a_qr_code() {
        let text = fixed_identity(1, None).invite(typical()).to_string();
        assert!(text.len() <= 600, "{} characters", text.len());
    }

    /// Frozen format: old invitations must stay readable. A change here is a new version byte, not a new fixture.
    #[test]
    fn golden_invitation() {
        let golden = include_str!("../tests/fixtures/invitation-v1.txt").trim();
        let invitation = fixed_identity(1, Some(1_900_000_000))
            .invite(InvitationDraft { expires: Some(1_800_000_000), ..typical() });
        assert_eq!(invitation.to_string(), golden);
        assert_eq!(Invitation::parse(golden, NOW).unwrap(), invitation);
    }

    #[test]
    fn text_survives_mail_and_qr() {
        let invitation = fixed_identity(1, None).invite(typical());
        let text = invitation.to_string();
        let (left, right) = text.split_at(70);
        assert_eq!(Invitation::parse(&format!("  {left}\r\n  {right}\n"), NOW).unwrap(), invitation);
        assert_eq!(Invitation::parse(&invitation.qr_text(), NOW).unwrap(), invitation);
        assert!(invitation.qr_text().bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase() || b == b':'));
    }

    #[test]
    fn errors_name_what_is_wrong() {
        let text = fixed_identity(1, None).invite(typical()).to_string();
        let parse = |text: &str| Invitation::parse(text, NOW).unwrap_err();
        assert_eq!(parse("hello"), InvitationError::NotInvitation);
        assert_eq!(parse("é"), InvitationError::NotInvitation);
        assert!(matches!(parse("weft:"), InvitationError::TooShort));
        assert_eq!(parse(&text.replacen("weft:", "weft:!", 1)), InvitationError::Character { position: 1 });
        assert_eq!(parse(&"weft:".repeat(5000)), InvitationError::TooLong);
        let mut mistyped = text.clone().into_bytes();
        mistyped[100] = if mistyped[100] == b'a' { b'b' } else { b'a' };
        assert_eq!(parse(std::str::from_utf8(&mistyped).unwrap()), InvitationError::Checksum);
        let cut = &text[..text.len() - 8];
        assert_eq!(parse(cut), InvitationError::Checksum);
    }

    #[test]
    fn later_versions_are_told_from_damage() {
        let bytes = fixed_identity(1, None).invite(typical()).to_bytes();
        let mut later = bytes[..bytes.len() - 4].to_vec();
        later[0] = 2;
        assert_eq!(Invitation::from_bytes(&wire::with_checksum(later)), Err(InvitationError::NewerVersion(2)));
    }

    #[test]
    fn time_is_checked_for_invitation_and_certificate() {
        let soon = Some(NOW + 10);
        let text = fixed_identity(1, None).invite(InvitationDraft { expires: soon, ..typical() }).to_string();
        assert!(Invitation::parse(&text, NOW).is_ok());
        assert_eq!(Invitation::parse(&text, NOW + 10), Err(InvitationError::Expired { expires: NOW + 10 }));
        let text = fixed_identity(1, soon).invite(typical()).to_string();
        assert!(Invitation::parse(&text, NOW).is_ok());
        let error = Invitation::parse(&text, NOW + 10).unwrap_err();
        assert!(matches!(error, InvitationError::Certificate(CertificateError::Expired { .. })));
    }

    #[test]
    fn another_device_cannot_speak_for_this_one() {
        let ann = fixed_identity(1, None);
        let eve = fixed_identity(9, None);
        let mut forged = ann.invite(typical());
        forged.reach = Reach::new(&["203.0.113.66:1".parse().unwrap()], &[], &[]);
        let payload = wire::signed_part(&forged);
        forged.signature = eve.sign_with_device(Purpose::INVITATION, &payload);
        assert_eq!(Invitation::from_bytes(&forged.to_bytes()), Err(InvitationError::Signature));
        // Not even by a signature that Ann's device made for another purpose.
        forged.signature = ann.sign_with_device(Purpose::named("identity/invitation/1"), &payload);
        assert_eq!(Invitation::from_bytes(&forged.to_bytes()), Err(InvitationError::Signature));
    }

    #[test]
    fn what_exceeds_the_bounds_is_left_out_when_made() {
        let ann = fixed_identity(1, None);
        let mut draft = typical();
        draft.other_devices = (0..9)
            .map(|_| fixed_identity(1, None).certificate().clone())
            .chain([fixed_identity(7, None).certificate().clone()])
            .collect();
        let invitation = ann.invite(draft);
        assert_eq!(invitation.certificates().len(), 1, "its own again, and another user's, are left out");
        assert_eq!(Invitation::from_bytes(&invitation.to_bytes()).unwrap(), invitation);
    }

    #[test]
    fn the_largest_invitation_fits_its_bound() {
        let phrase = RecoveryPhrase::from_entropy(&[1; 32]);
        let long = "x".repeat(64);
        let device = || Unlocked::new(&phrase, DeviceName::new(&long).unwrap(), u64::MAX).unwrap().identity;
        let mut draft = InvitationDraft::new(NetworkName::new(&"n".repeat(32)).unwrap());
        let places =
            |last: u16| (0..8u16).map(|n| ([0xffff, 0, 0, 0, 0, 0, last, n], u16::MAX).into()).collect::<Vec<_>>();
        let relays: Vec<_> =
            (0..4).map(|n| RelayHint::new(&format!("https://{n}{}", "r".repeat(191))).unwrap()).collect();
        draft.reach = Reach::new(&places(0), &places(1), &relays);
        draft.petname = Some(Petname::new(&"p".repeat(64)).unwrap());
        draft.expires = Some(u64::MAX);
        draft.other_devices = (0..3).map(|_| device().certificate().clone()).collect();
        let invitation = device().invite(draft);
        let bytes = invitation.to_bytes();
        assert!(bytes.len() <= MAX_INVITATION_BYTES, "{}", bytes.len());
        assert_eq!(Invitation::from_bytes(&bytes).unwrap(), invitation);
    }

    /// Replays what the fuzzer starts from and what it has found.
    #[test]
    fn fuzz_corpus_is_replayed() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../fuzz/corpus/invitation");
        let mut count = 0;
        for entry in std::fs::read_dir(&folder).unwrap() {
            fuzz_invitation(&std::fs::read(entry.unwrap().path()).unwrap());
            count += 1;
        }
        assert!(count >= 9, "{} holds {count} inputs", folder.display());
        let seed = |name: &str| std::fs::read(folder.join(name)).unwrap();
        assert!(Invitation::from_bytes(&seed("bytes")).is_ok(), "a seed gets through to the end");
        assert!(wire::fuzz_body(&seed("body-places")), "a seed gets through to every kind of place and relay");
    }

    proptest! {
        #[test]
        fn any_flipped_bit_is_noticed_even_with_a_right_checksum(at: prop::sample::Index, bit in 0u8..8) {
            let bytes = fixed_identity(1, None).invite(typical()).to_bytes();
            let mut body = bytes[..bytes.len() - 4].to_vec();
            let at = at.index(body.len());
            body[at] ^= 1 << bit;
            prop_assert!(Invitation::from_bytes(&wire::with_checksum(body)).is_err());
        }

        #[test]
        fn drafts_round_trip(
            udp in prop::collection::vec(any::<(u8, u16)>(), 0..12),
            tcp in prop::collection::vec(any::<(u8, u16)>(), 0..12),
            v6 in prop::collection::vec(any::<([u16; 8], u16)>(), 0..4),
            hosts in prop::collection::vec("[a-z0-9.-]{1,60}", 0..6),
            expires: Option<u64>,
        ) {
            // Few different hosts, so that UDP and TCP often share one.
            let place = |(host, port): (u8, u16)| SocketAddr::from(([192, 0, 2, host % 4], port));
            let udp: Vec<_> = udp.into_iter().map(place).chain(v6.iter().copied().map(SocketAddr::from)).collect();
            let tcp: Vec<_> = v6.into_iter().map(SocketAddr::from).chain(tcp.into_iter().map(place)).collect();
            let relays: Vec<_> = hosts.iter().map(|host| RelayHint::new(&format!("https://{host}")).unwrap()).collect();
            let reach = Reach::new(&udp, &tcp, &relays);
            let mut draft = InvitationDraft::new(NetworkName::new("lab").unwrap());
            draft.reach = reach.clone();
            draft.expires = expires;
            let invitation = fixed_identity(3, None).invite(draft);
            prop_assert_eq!(Invitation::from_bytes(&invitation.to_bytes()).unwrap(), invitation.clone());
            prop_assert_eq!(text_to_bytes(&invitation.to_string()).unwrap(), invitation.to_bytes());
            prop_assert_eq!(invitation.reach().udp(), reach.udp(), "UDP addresses keep their order");
            let sorted = |addresses: &[SocketAddr]| { let mut sorted = addresses.to_vec(); sorted.sort(); sorted };
            prop_assert_eq!(sorted(invitation.reach().tcp()), sorted(reach.tcp()));
        }

        #[test]
        fn hostile_bytes_are_answered_not_panicked_at(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            fuzz_invitation(&bytes);
        }
    }
}
