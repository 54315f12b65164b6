//! Following a chain by headers and certificates alone.
//!
//! A light client begins with a block it trusts (the genesis, or one it was told of) and goes from height to height:
//! each header names its parent and the set that decides the next height, and a certificate of that set decides it. It
//! needs a validator set only where the set changes, and checks it by its hash.

use crate::certificate::{CertificateError, CommitCertificate};
use crate::types::{BlockHash, ChainId, Height, ValidatorSet};

/// What a light client must know of a header. Whoever implements it vouches that `hash` is computed from the very bytes
/// the other fields are read from, not taken from a peer.
pub trait Header {
    /// Its number.
    fn height(&self) -> Height;
    /// Its hash.
    fn hash(&self) -> BlockHash;
    /// Its parent's hash.
    fn parent(&self) -> BlockHash;
    /// The hash of the set that decides the next height.
    fn next_set_hash(&self) -> [u8; 32];
}

/// A block that is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trusted {
    /// Its number.
    pub height: Height,
    /// Its hash.
    pub block: BlockHash,
    /// The hash of the set that decides the next height.
    pub next_set_hash: [u8; 32],
}

/// Why a step is refused. The client stays where it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LightError {
    /// A header is missing, or comes twice.
    #[error("height {got} does not follow {trusted}")]
    Gap {
        /// The last that is trusted.
        trusted: Height,
        /// The one given.
        got: Height,
    },
    /// The header is of another chain.
    #[error("the header at height {0} has another parent than the block trusted")]
    Parent(Height),
    /// The certificate does not decide this header.
    #[error("the certificate at height {height} is refused")]
    Certificate {
        /// Where.
        height: Height,
        /// Why.
        source: CertificateError,
    },
    /// The set is not the one that the headers name.
    #[error("the validator set after height {0} is not the one its header names")]
    WrongSet(Height),
    /// The set changes here: give the next one beside the header.
    #[error("the validator set changes after height {0}: the next one is needed to go on")]
    SetNeeded(Height),
}

/// A client that follows the chain. It holds one set and one hash.
#[derive(Debug, Clone)]
pub struct LightClient {
    chain: ChainId,
    trusted: Trusted,
    set: ValidatorSet,
}

impl LightClient {
    /// Begins at a trusted block, with the set that decides the height after it.
    ///
    /// # Errors
    /// [`LightError::WrongSet`] if it is not that set.
    pub fn new(chain: ChainId, trusted: Trusted, set: ValidatorSet) -> Result<Self, LightError> {
        if set.hash() != trusted.next_set_hash {
            return Err(LightError::WrongSet(trusted.height));
        }
        Ok(Self { chain, trusted, set })
    }

    /// The last block that is shown to be decided.
    pub fn trusted(&self) -> &Trusted {
        &self.trusted
    }

    /// The set that decides the height after it.
    pub fn set(&self) -> &ValidatorSet {
        &self.set
    }

    /// Whether `header` changes the set, so that [`Self::advance`] wants the next one.
    pub fn changes_set(&self, header: &impl Header) -> bool {
        header.next_set_hash() != self.set.hash()
    }

    /// Takes the next header, if its certificate decides it. `next_set` is needed only where the set changes.
    ///
    /// # Errors
    /// [`LightError`]; the client then stays where it was.
    pub fn advance(
        &mut self,
        header: &impl Header,
        certificate: &CommitCertificate,
        next_set: Option<&ValidatorSet>,
    ) -> Result<(), LightError> {
        let height = header.height();
        if Some(height.0) != self.trusted.height.0.checked_add(1) {
            return Err(LightError::Gap { trusted: self.trusted.height, got: height });
        }
        if header.parent() != self.trusted.block {
            return Err(LightError::Parent(height));
        }
        let refused = |source| LightError::Certificate { height, source };
        if certificate.height != height {
            return Err(refused(CertificateError::Height(certificate.height)));
        }
        let block = header.hash();
        if certificate.block != block {
            return Err(refused(CertificateError::Block(certificate.block)));
        }
        // What costs nothing comes before the signatures.
        let next_set_hash = header.next_set_hash();
        let next_set = match next_set {
            _ if next_set_hash == self.set.hash() => None,
            None => return Err(LightError::SetNeeded(height)),
            Some(set) if set.hash() != next_set_hash => return Err(LightError::WrongSet(height)),
            Some(set) => Some(set.clone()),
        };
        certificate.verify(&self.chain, &self.set).map_err(refused)?;
        self.trusted = Trusted { height, block, next_set_hash };
        if let Some(set) = next_set {
            self.set = set;
        }
        Ok(())
    }
}
