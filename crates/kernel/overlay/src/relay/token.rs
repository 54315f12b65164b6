//! The ticket with which a client logs in at a relay peer.
//!
//! iroh's relay login proves the client's key, but is not bound to the relay: a hostile relay could forward another
//! relay's challenge and log in there in a client's name. So our relays ask for a token as well, signed by the client over
//! (the relay's key, expiry): what one relay was given is worth nothing at another.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use data_encoding::BASE64URL_NOPAD;
use weft_identity::{DeviceSecret, Purpose, Signature};

use crate::keys::PeerKey;

const LOGIN: Purpose = Purpose::named("overlay/relay-login/1");

/// 7 days: a node that runs on does not need a new one each hour, and a clock may be days wrong.
pub(crate) const TOKEN_LIFE: Duration = Duration::from_secs(7 * 24 * 3600);

/// 14 days ahead at most: a token made by a clock that is a week fast is still taken, one for eternity is not.
const MAX_AHEAD: Duration = Duration::from_secs(14 * 24 * 3600);

const EXPIRY_BYTES: usize = 8;
const TOKEN_BYTES: usize = EXPIRY_BYTES + weft_identity::SIGNATURE_BYTES;

/// Why a token does not let its client in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadToken {
    #[error("no token, or not one of ours: this relay serves Weft peers")]
    Malformed,
    #[error("the token expired, or a clock is wrong: check this machine's time")]
    Expired,
    #[error("the token was made for another relay or by another key")]
    Signature,
}

fn payload(relay: &PeerKey, expiry: u64) -> [u8; 32 + EXPIRY_BYTES] {
    let mut bytes = [0; 32 + EXPIRY_BYTES];
    let (key, time) = bytes.split_at_mut(32);
    key.copy_from_slice(relay.as_bytes());
    time.copy_from_slice(&expiry.to_be_bytes());
    bytes
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A token for `relay`, good until [`TOKEN_LIFE`] after `now`.
pub(crate) fn issue(secret: &DeviceSecret, relay: &PeerKey, now: SystemTime) -> String {
    let expiry = seconds(now).saturating_add(TOKEN_LIFE.as_secs());
    let mut bytes = Vec::with_capacity(TOKEN_BYTES);
    bytes.extend_from_slice(&expiry.to_be_bytes());
    bytes.extend_from_slice(secret.sign(LOGIN, &payload(relay, expiry)).as_bytes());
    BASE64URL_NOPAD.encode(&bytes)
}

/// Whether `token` lets `client` in at `relay` now.
pub(crate) fn check(token: &str, client: &PeerKey, relay: &PeerKey, now: SystemTime) -> Result<(), BadToken> {
    if token.len() != BASE64URL_NOPAD.encode_len(TOKEN_BYTES) {
        return Err(BadToken::Malformed);
    }
    let bytes = BASE64URL_NOPAD.decode(token.as_bytes()).map_err(|_| BadToken::Malformed)?;
    let (expiry, signature) = bytes.split_first_chunk::<EXPIRY_BYTES>().ok_or(BadToken::Malformed)?;
    let signature: [u8; weft_identity::SIGNATURE_BYTES] = signature.try_into().map_err(|_| BadToken::Malformed)?;
    let expiry = u64::from_be_bytes(*expiry);
    let now = seconds(now);
    if expiry <= now || expiry > now.saturating_add(MAX_AHEAD.as_secs()) {
        return Err(BadToken::Expired);
    }
    client.verify(LOGIN, &payload(relay, expiry), &Signature::from_bytes(signature)).map_err(|_| BadToken::Signature)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secret(seed: u8) -> DeviceSecret {
        DeviceSecret::from_bytes(&[seed; 32])
    }

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn later(days: u64) -> SystemTime {
        NOW + Duration::from_secs(days * 24 * 3600)
    }

    #[test]
    fn a_token_is_good_for_one_client_at_one_relay_for_a_week() {
        let (client, relay, other) = (secret(1), secret(2).public(), secret(3).public());
        let token = issue(&client, &relay, later(20));
        let key = client.public();
        assert_eq!(check(&token, &key, &relay, later(20)), Ok(()));
        assert_eq!(check(&token, &key, &relay, later(14)), Ok(()), "our clock may be slow");
        assert_eq!(check(&token, &key, &relay, later(27)), Err(BadToken::Expired));
        assert_eq!(check(&token, &key, &relay, later(12)), Err(BadToken::Expired), "not for eternity");
        assert_eq!(check(&token, &key, &other, later(20)), Err(BadToken::Signature));
        assert_eq!(check(&token, &other, &relay, later(20)), Err(BadToken::Signature));
    }

    proptest! {
        #[test]
        fn any_text_is_answered_not_panicked_at(token in "[A-Za-z0-9_-]{0,120}") {
            prop_assert!(check(&token, &secret(1).public(), &secret(2).public(), NOW).is_err());
        }
    }
}
