//! Who may vote at a height, and with what weight.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::{Address, PublicKey, PublicKeyError};

/// Most validators of a set: a round costs each of them two messages from each other, and a certificate is 84 bytes a
/// validator.
pub const MAX_VALIDATORS: usize = 100;

/// Most power of a set in all. Thresholds multiply it by 3, and the Malachite core panics when that overflows.
pub const MAX_TOTAL_POWER: u64 = u64::MAX / 8;

/// Version of the encoding that [`ValidatorSet::hash`] is taken of.
const SET_VERSION: u8 = 1;

/// A validator as the staking contract gives it: nothing checked yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValidatorEntry {
    /// Its account.
    pub address: Address,
    /// Its node's key.
    pub public_key: [u8; 32],
    /// Its stake.
    pub power: u64,
}

/// A validator of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validator {
    /// Its account.
    pub address: Address,
    /// Its node's key.
    pub public_key: PublicKey,
    /// Its voting power, never 0.
    pub power: u64,
}

/// Why validators are no set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetError {
    /// Nobody could decide.
    #[error("a set needs at least one validator")]
    Empty,
    /// More than [`MAX_VALIDATORS`].
    #[error("{0} validators are more than {MAX_VALIDATORS}")]
    TooMany(usize),
    /// The same account twice.
    #[error("{0} is in the set twice")]
    Duplicate(Address),
    /// A validator without power.
    #[error("{0} has no power: leave it out of the set")]
    NoPower(Address),
    /// More than [`MAX_TOTAL_POWER`].
    #[error("the validators' power is more than {MAX_TOTAL_POWER} in all")]
    TooMuchPower,
    /// A key that proves nothing.
    #[error("the key of {address} cannot be used")]
    Key {
        /// Whose.
        address: Address,
        /// Why.
        source: PublicKeyError,
    },
}

#[derive(Debug, PartialEq, Eq)]
struct Inner {
    /// By ascending address.
    validators: Vec<Validator>,
    total: u64,
    hash: [u8; 32],
}

/// The validators of a height, by ascending address. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ValidatorSet(Arc<Inner>);

impl PartialEq for ValidatorSet {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.hash == other.0.hash
    }
}

impl Eq for ValidatorSet {}

impl ValidatorSet {
    /// Makes a set of checked validators, in any order.
    ///
    /// # Errors
    /// If there are none or too many, one is there twice or has no power, or the power overflows.
    pub fn new(mut validators: Vec<Validator>) -> Result<Self, SetError> {
        if validators.is_empty() {
            return Err(SetError::Empty);
        }
        if validators.len() > MAX_VALIDATORS {
            return Err(SetError::TooMany(validators.len()));
        }
        validators.sort_by_key(|validator| validator.address);
        if let Some(pair) = validators.windows(2).find(|pair| pair[0].address == pair[1].address) {
            return Err(SetError::Duplicate(pair[0].address));
        }
        if let Some(idle) = validators.iter().find(|validator| validator.power == 0) {
            return Err(SetError::NoPower(idle.address));
        }
        let total = validators.iter().try_fold(0u64, |sum, validator| sum.checked_add(validator.power));
        let total = total.filter(|total| *total <= MAX_TOTAL_POWER).ok_or(SetError::TooMuchPower)?;
        let hash = Sha256::digest(encode(&validators)).into();
        Ok(Self(Arc::new(Inner { validators, total, hash })))
    }

    /// Makes a set of what a contract gave.
    ///
    /// # Errors
    /// As [`Self::new`], and if a key cannot be used.
    pub fn from_entries(entries: &[ValidatorEntry]) -> Result<Self, SetError> {
        if entries.len() > MAX_VALIDATORS {
            return Err(SetError::TooMany(entries.len()));
        }
        let checked = entries.iter().map(|entry| {
            let key = PublicKey::from_bytes(&entry.public_key);
            let public_key = key.map_err(|source| SetError::Key { address: entry.address, source })?;
            Ok(Validator { address: entry.address, public_key, power: entry.power })
        });
        Self::new(checked.collect::<Result<_, SetError>>()?)
    }

    /// Makes a set of those entries that can be validators, and says how many were left out. For a set that strangers
    /// can put themselves into: one of them with a useless key must not keep the set from changing for all others. An
    /// account that is there twice counts by its first entry. The result depends on the entries alone.
    ///
    /// # Errors
    /// If nobody is left, or there are too many, or the power overflows.
    pub fn admit(entries: &[ValidatorEntry]) -> Result<(Self, usize), SetError> {
        if entries.len() > MAX_VALIDATORS {
            return Err(SetError::TooMany(entries.len()));
        }
        let mut admitted: Vec<Validator> = Vec::with_capacity(entries.len());
        for &ValidatorEntry { address, public_key, power } in entries {
            let known = admitted.iter().any(|validator| validator.address == address);
            if let (Ok(public_key), false, 1..) = (PublicKey::from_bytes(&public_key), known, power) {
                admitted.push(Validator { address, public_key, power });
            }
        }
        let refused = entries.len() - admitted.len();
        Ok((Self::new(admitted)?, refused))
    }

    /// The set's canonical encoding: version byte, count as u32 BE, then for each validator by ascending address its
    /// address, public key and power as u64 BE.
    pub fn encode(&self) -> Vec<u8> {
        encode(&self.0.validators)
    }

    /// Reads [`Self::encode`]'s bytes: a client gets a set beside the headers whose hash names it.
    ///
    /// # Errors
    /// [`crate::codec::DecodeError`] if they are not the canonical encoding of a set.
    pub fn decode(bytes: &[u8]) -> Result<Self, crate::codec::DecodeError> {
        use crate::codec::{DecodeError, Reader};
        let mut reader = Reader::new(bytes);
        if reader.u8()? != SET_VERSION {
            return Err(DecodeError::Version);
        }
        let count = reader.u32()?;
        let count = usize::try_from(count).ok().filter(|count| *count <= MAX_VALIDATORS).ok_or(DecodeError::TooMany)?;
        let mut entries = Vec::with_capacity(count);
        for _ in 0..count {
            let address = Address(reader.array()?);
            entries.push(ValidatorEntry { address, public_key: reader.array()?, power: reader.u64()? });
        }
        reader.end()?;
        if !entries.is_sorted_by(|a, b| a.address < b.address) {
            return Err(DecodeError::Order);
        }
        Self::from_entries(&entries).map_err(|_| DecodeError::Value)
    }

    /// SHA-256 of [`Self::encode`]: what a header's `extraData` names.
    pub fn hash(&self) -> [u8; 32] {
        self.0.hash
    }

    /// The validators by ascending address.
    pub fn validators(&self) -> &[Validator] {
        &self.0.validators
    }

    /// How many they are.
    #[allow(clippy::len_without_is_empty, reason = "a set is never empty")]
    pub fn len(&self) -> usize {
        self.0.validators.len()
    }

    /// Their power in all.
    pub fn total_power(&self) -> u64 {
        self.0.total
    }

    /// The validator with this address.
    pub fn get(&self, address: &Address) -> Option<&Validator> {
        let found = self.0.validators.binary_search_by_key(address, |validator| validator.address);
        found.ok().map(|index| &self.0.validators[index])
    }

    /// Whether `power` is a quorum: more than two thirds of all.
    pub fn is_quorum(&self, power: u64) -> bool {
        u128::from(power) * 3 > u128::from(self.0.total) * 2
    }

    /// Whether `power` surely includes an honest validator: more than a third of all.
    pub fn is_honest(&self, power: u64) -> bool {
        u128::from(power) * 3 > u128::from(self.0.total)
    }
}

fn encode(validators: &[Validator]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(5 + validators.len() * 60);
    bytes.push(SET_VERSION);
    // At most MAX_VALIDATORS.
    bytes.extend_from_slice(&(validators.len() as u32).to_be_bytes());
    for validator in validators {
        bytes.extend_from_slice(&validator.address.0);
        bytes.extend_from_slice(&validator.public_key.to_bytes());
        bytes.extend_from_slice(&validator.power.to_be_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u8) -> [u8; 32] {
        ed25519_dalek::SigningKey::from_bytes(&[seed; 32]).verifying_key().to_bytes()
    }

    fn entry(n: u8, power: u64) -> ValidatorEntry {
        ValidatorEntry { address: Address([n; 20]), public_key: key(n), power }
    }

    #[test]
    fn the_hash_is_of_the_documented_bytes_whatever_the_order() {
        let set = ValidatorSet::from_entries(&[entry(2, 7), entry(1, 5)]).unwrap();
        let mut bytes = vec![1, 0, 0, 0, 2];
        for (n, power) in [(1u8, 5u64), (2, 7)] {
            bytes.extend_from_slice(&[n; 20]);
            bytes.extend_from_slice(&key(n));
            bytes.extend_from_slice(&power.to_be_bytes());
        }
        assert_eq!(set.encode(), bytes);
        assert_eq!(set.hash(), <[u8; 32]>::from(Sha256::digest(&bytes)));
        assert_eq!(ValidatorSet::decode(&bytes).unwrap(), set);
        assert_eq!(ValidatorSet::from_entries(&[entry(1, 5), entry(2, 7)]).unwrap(), set);
        // Frozen: a change of the encoding is a change of every chain.
        assert_eq!(&set.hash()[..4], &FROZEN, "{:?}", &set.hash()[..4]);
    }

    const FROZEN: [u8; 4] = [175, 98, 73, 49];

    #[test]
    fn what_is_no_set_is_refused() {
        let address = Address([1; 20]);
        assert_eq!(ValidatorSet::from_entries(&[]).unwrap_err(), SetError::Empty);
        assert_eq!(ValidatorSet::from_entries(&[entry(1, 1); 101]).unwrap_err(), SetError::TooMany(101));
        assert_eq!(ValidatorSet::from_entries(&[entry(1, 1), entry(1, 2)]).unwrap_err(), SetError::Duplicate(address));
        assert_eq!(ValidatorSet::from_entries(&[entry(1, 0)]).unwrap_err(), SetError::NoPower(address));
        assert!(ValidatorSet::from_entries(&[entry(1, MAX_TOTAL_POWER)]).is_ok());
        for powers in [[MAX_TOTAL_POWER, 1], [u64::MAX, u64::MAX]] {
            let entries = [entry(1, powers[0]), entry(2, powers[1])];
            assert_eq!(ValidatorSet::from_entries(&entries).unwrap_err(), SetError::TooMuchPower);
        }
    }

    #[test]
    fn a_useless_key_does_not_stop_the_others() {
        // The neutral element: every message has a signature under it that fits.
        let mut weak = [0; 32];
        weak[0] = 1;
        let bad = ValidatorEntry { address: Address([9; 20]), public_key: weak, power: 5 };
        let source = PublicKeyError::Weak;
        let refusal = SetError::Key { address: bad.address, source };
        assert_eq!(ValidatorSet::from_entries(&[entry(1, 1), bad]).unwrap_err(), refusal);
        let (set, refused) = ValidatorSet::admit(&[entry(1, 1), bad, entry(1, 9), entry(2, 0)]).unwrap();
        assert_eq!((set.len(), set.total_power(), refused), (1, 1, 3));
        // A y-coordinate of p + 1 is a second encoding of the same point.
        let mut twice = [0xff; 32];
        (twice[0], twice[31]) = (0xee, 0x7f);
        assert!(PublicKey::from_bytes(&twice).is_err());
    }

    #[test]
    fn two_thirds_are_not_enough() {
        let set = ValidatorSet::from_entries(&[entry(1, 3), entry(2, 3), entry(3, 3)]).unwrap();
        assert!(!set.is_quorum(6) && set.is_quorum(7));
        assert!(!set.is_honest(3) && set.is_honest(4));
    }
}
