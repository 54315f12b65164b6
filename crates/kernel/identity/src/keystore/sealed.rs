//! The bytes of the key file.
//!
//! ```text
//! "weft-identity 1 plain\n"  SHA-256 of the rest  postcard of the contents
//! "weft-identity 1 age\n"    SHA-256 of the rest  age file (scrypt) of the postcard of the contents
//! ```
//!
//! The hash tells a damaged file from a wrong passphrase, which `age` alone cannot.

use std::{
    io::{Read as _, Write as _},
    iter,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize, Zeroizing};

use crate::{
    device::{DeviceCertificate, DeviceSecret},
    passphrase::Passphrase,
    phrase::{ENTROPY_BYTES, RecoveryPhrase},
};

/// The newest format known.
pub(super) const FORMAT_VERSION: u32 = 1;
/// Highest scrypt work factor accepted: 2^22 is 4 GiB and many seconds; a file that asks for more is an attack.
pub(super) const MAX_WORK_FACTOR: u8 = 22;

const MAGIC: &str = "weft-identity ";
/// Longest first line looked at.
const MAX_FIRST_LINE: usize = 64;
/// Most bytes of contents: keys, and a certificate with a name of at most 64 bytes, need under 350.
const MAX_CONTENTS: usize = 1024;
const HASH_BYTES: usize = 32;

/// What the file holds.
#[derive(Serialize, Deserialize)]
pub(super) struct Contents {
    entropy: [u8; ENTROPY_BYTES],
    device: [u8; 32],
    certificate: DeviceCertificate,
}

impl Drop for Contents {
    fn drop(&mut self) {
        self.entropy.zeroize();
        self.device.zeroize();
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum UnsealError {
    PassphraseNeeded,
    WrongPassphrase,
    Corrupt(&'static str),
    NewerVersion(u32),
    TooMuchWork(u8),
}

#[derive(PartialEq, Eq)]
enum Kind {
    Plain,
    Age,
}

impl Contents {
    pub(super) fn of(phrase: &RecoveryPhrase, device: &DeviceSecret, certificate: &DeviceCertificate) -> Self {
        Self { entropy: *phrase.entropy(), device: *device.expose_for_transport(), certificate: certificate.clone() }
    }

    pub(super) fn phrase(&self) -> RecoveryPhrase {
        RecoveryPhrase::from_entropy(&self.entropy)
    }

    pub(super) fn device_secret(&self) -> &[u8; 32] {
        &self.device
    }

    pub(super) fn certificate(&self) -> &DeviceCertificate {
        &self.certificate
    }

    /// The file's bytes.
    pub(super) fn seal(
        &self,
        passphrase: Option<&Passphrase>,
        work_factor: u8,
    ) -> Result<Zeroizing<Vec<u8>>, age::EncryptError> {
        // A buffer of fixed size: one that grows would leave copies of the secrets behind.
        let mut buffer = Zeroizing::new([0; MAX_CONTENTS]);
        let plain = postcard::to_slice(self, buffer.as_mut()).expect("contents are bounded well below the buffer");
        let (kind, body) = match passphrase {
            None => ("plain", Zeroizing::new(plain.to_vec())),
            Some(passphrase) => ("age", encrypt(plain, passphrase, work_factor)?),
        };
        let first_line = format!("{MAGIC}{FORMAT_VERSION} {kind}\n");
        let mut file = Zeroizing::new(Vec::with_capacity(first_line.len() + HASH_BYTES + body.len()));
        file.extend_from_slice(first_line.as_bytes());
        file.extend_from_slice(&Sha256::digest(body.as_slice()));
        file.extend_from_slice(&body);
        Ok(file)
    }

    /// Reads the file's bytes.
    pub(super) fn unseal(file: &[u8], passphrase: Option<&Passphrase>) -> Result<Self, UnsealError> {
        let (kind, body) = open_envelope(file)?;
        let plain = match (kind, passphrase) {
            (Kind::Plain, _) => Zeroizing::new(body.to_vec()),
            (Kind::Age, None) => return Err(UnsealError::PassphraseNeeded),
            (Kind::Age, Some(passphrase)) => decrypt(body, passphrase)?,
        };
        match postcard::take_from_bytes(&plain) {
            Ok((contents, [])) => Ok(contents),
            Ok(_) => Err(UnsealError::Corrupt("there is something after its end")),
            Err(_) => Err(UnsealError::Corrupt("its contents cannot be read")),
        }
    }
}

pub(super) fn is_encrypted(file: &[u8]) -> Result<bool, UnsealError> {
    Ok(open_envelope(file)?.0 == Kind::Age)
}

/// Checks first line and hash; gives what follows.
fn open_envelope(file: &[u8]) -> Result<(Kind, &[u8]), UnsealError> {
    let not_ours = UnsealError::Corrupt("it does not begin like a Weft identity");
    let end = file.iter().take(MAX_FIRST_LINE).position(|&byte| byte == b'\n');
    let Some((line, rest)) = end.and_then(|end| file.split_at_checked(end)) else { return Err(not_ours) };
    let Some(fields) = std::str::from_utf8(line).ok().and_then(|line| line.strip_prefix(MAGIC)) else {
        return Err(not_ours);
    };
    let mut fields = fields.split(' ');
    // The version is looked at before all else: a later format may differ in everything that follows.
    let Some(version) = fields.next().and_then(|version| version.parse::<u32>().ok()) else { return Err(not_ours) };
    if version > FORMAT_VERSION {
        return Err(UnsealError::NewerVersion(version));
    }
    let kind = match (fields.next(), fields.next()) {
        (Some("plain"), None) => Kind::Plain,
        (Some("age"), None) => Kind::Age,
        _ => return Err(not_ours),
    };
    let rest = rest.get(1..).unwrap_or_default();
    let Some((hash, body)) = rest.split_at_checked(HASH_BYTES) else {
        return Err(UnsealError::Corrupt("it is cut off"));
    };
    if Sha256::digest(body).as_slice() != hash {
        return Err(UnsealError::Corrupt("its checksum does not match"));
    }
    Ok((kind, body))
}

fn encrypt(plain: &[u8], passphrase: &Passphrase, work_factor: u8) -> Result<Zeroizing<Vec<u8>>, age::EncryptError> {
    let mut recipient = age::scrypt::Recipient::new(passphrase.secret());
    recipient.set_work_factor(work_factor.clamp(1, MAX_WORK_FACTOR));
    let encryptor = age::Encryptor::with_recipients(iter::once(&recipient as _))?;
    let mut sealed = Zeroizing::new(Vec::new());
    let mut writer = encryptor.wrap_output(&mut *sealed)?;
    writer.write_all(plain)?;
    writer.finish()?;
    Ok(sealed)
}

fn decrypt(body: &[u8], passphrase: &Passphrase) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
    let mut identity = age::scrypt::Identity::new(passphrase.secret());
    identity.set_max_work_factor(MAX_WORK_FACTOR);
    let decryptor = age::Decryptor::new_buffered(body).map_err(|error| explain(&error))?;
    let reader = decryptor.decrypt(iter::once(&identity as _)).map_err(|error| explain(&error))?;
    // Room for all of it at once, so that growing leaves no copies behind.
    let mut plain = Zeroizing::new(Vec::with_capacity(MAX_CONTENTS + 1));
    let limit = u64::try_from(MAX_CONTENTS).unwrap_or(u64::MAX);
    reader.take(limit).read_to_end(&mut plain).map_err(|_| UnsealError::Corrupt("its contents cannot be decrypted"))?;
    Ok(plain)
}

/// The hash before the body has matched, so the body is as written: what fails then is the passphrase.
fn explain(error: &age::DecryptError) -> UnsealError {
    match error {
        age::DecryptError::DecryptionFailed
        | age::DecryptError::KeyDecryptionFailed
        | age::DecryptError::NoMatchingKeys => UnsealError::WrongPassphrase,
        age::DecryptError::ExcessiveWork { required, .. } => UnsealError::TooMuchWork(*required),
        _ => UnsealError::Corrupt("it is not a valid age file"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{identity::Unlocked, name::DeviceName};

    /// Fast, for tests.
    const QUICK: u8 = 1;

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(Zeroizing::new(text.to_owned())).unwrap()
    }

    fn sample() -> (Contents, RecoveryPhrase) {
        let phrase = RecoveryPhrase::from_entropy(&[5; 32]);
        let unlocked = Unlocked::new(&phrase, DeviceName::new("laptop").unwrap(), 1).unwrap();
        (Contents::of(&phrase, unlocked.identity.device(), unlocked.identity.certificate()), phrase)
    }

    #[test]
    fn versions_and_kinds_are_told_apart() {
        assert_eq!(open_envelope(b"weft-identity 2 quantum\nwhatever").err(), Some(UnsealError::NewerVersion(2)));
        assert!(matches!(
            open_envelope(b"weft-identity 1 plain\nshort").err(),
            Some(UnsealError::Corrupt("it is cut off"))
        ));
        for file in
            [&b""[..], b"\n", b"weft-identity x plain\n", b"weft-identity 1 gold\n", b"PK\x03\x04", &[0xff; 200]]
        {
            assert!(matches!(open_envelope(file).err(), Some(UnsealError::Corrupt(_))), "{file:?}");
        }
    }

    #[test]
    fn every_changed_byte_is_damage_and_never_a_wrong_passphrase() {
        let (contents, _) = sample();
        let good = contents.seal(Some(&passphrase("right")), QUICK).unwrap();
        let header = good.iter().position(|&byte| byte == b'\n').unwrap() + 1;
        for at in header..good.len() {
            let mut bad = good.to_vec();
            bad[at] ^= 1;
            let error = Contents::unseal(&bad, Some(&passphrase("right"))).err().unwrap();
            assert_eq!(error, UnsealError::Corrupt("its checksum does not match"), "byte {at}");
        }
        let error = Contents::unseal(&good, Some(&passphrase("wrong"))).err().unwrap();
        assert_eq!(error, UnsealError::WrongPassphrase);
        assert_eq!(Contents::unseal(&good, None).err(), Some(UnsealError::PassphraseNeeded));
    }

    #[test]
    fn a_file_that_asks_for_hours_of_work_is_refused() {
        let (contents, _) = sample();
        let good = contents.seal(Some(&passphrase("right")), QUICK).unwrap();
        let (_, body) = open_envelope(&good).unwrap();
        // The work factor stands in clear at the end of age's second line: "-> scrypt SALT 1".
        let end = body.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(1).unwrap().0;
        let mut body = body.to_vec();
        assert_eq!(body[end - 1], b'1');
        body.splice(end - 1..end, *b"40");
        let file = [b"weft-identity 1 age\n".as_slice(), &Sha256::digest(&body), &body].concat();
        assert_eq!(Contents::unseal(&file, Some(&passphrase("right"))).err(), Some(UnsealError::TooMuchWork(40)));
    }

    #[test]
    fn an_encrypted_file_shows_nothing_and_a_plain_one_is_whole() {
        let (contents, phrase) = sample();
        let sealed = contents.seal(Some(&passphrase("right")), QUICK).unwrap();
        let plain = contents.seal(None, QUICK).unwrap();
        let holds = |file: &[u8], part: &[u8]| file.windows(part.len()).any(|window| window == part);
        let words = phrase.reveal();
        for secret in [contents.entropy.as_slice(), &contents.device, words.as_bytes(), b"laptop"] {
            assert!(!holds(&sealed, secret));
        }
        assert!(holds(&plain, &contents.entropy), "the search above would have found it");
        assert!(is_encrypted(&sealed).unwrap() && !is_encrypted(&plain).unwrap());
    }

    proptest! {
        #[test]
        fn any_file_is_answered_not_panicked_at(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Contents::unseal(&bytes, None);
            let with_hash = [b"weft-identity 1 plain\n".as_slice(), &Sha256::digest(&bytes), &bytes].concat();
            let _ = Contents::unseal(&with_hash, None);
            let as_age = [b"weft-identity 1 age\n".as_slice(), &Sha256::digest(&bytes), &bytes].concat();
            let _ = Contents::unseal(&as_age, Some(&passphrase("p")));
        }
    }
}
