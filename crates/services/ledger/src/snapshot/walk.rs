//! The way from the genesis to a height, by headers that validators with more than two thirds of the power decided.

use std::sync::Arc;

use alloy_primitives::B256;
use weft_evm::snapshot::{DecidedHeader, SnapshotError, keep_decided, kept_decided};
use weft_store::{CommitError, Store};

use super::message::DecidedBlock;
use crate::light::{Light, LightBlock, LightRefused};
use crate::replica::keep_sets;

/// Why a step is not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WalkError {
    /// Who gave the headers is broken or hostile.
    #[error("the headers that were given are not the chain's")]
    Refused(#[from] LightRefused),
    /// The store does not take them.
    #[error("the ledger's headers cannot be stored")]
    Store(#[from] SnapshotError),
    /// The store does not take a set.
    #[error("the ledger's validator sets cannot be stored")]
    Sets(#[from] CommitError),
}

/// The way as far as it was gone. Headers, certificates and sets are in the store when a step returns.
pub struct Walk {
    light: Light,
    store: Arc<dyn Store>,
}

impl std::fmt::Debug for Walk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Walk(at {})", self.light.height())
    }
}

impl Walk {
    /// Begins at a genesis file, in a store that has no chain.
    ///
    /// # Errors
    /// [`WalkError`], if it is no genesis of a Weft ledger.
    pub fn begin(genesis: &[u8], store: Arc<dyn Store>) -> Result<Self, WalkError> {
        let light = Light::from_genesis(genesis)?;
        keep_sets(&*store, [light.set()])?;
        Ok(Walk { light, store })
    }

    /// The height it has arrived at.
    pub fn height(&self) -> u64 {
        self.light.height()
    }

    /// The hash of the block at a height that was passed; `None` above.
    ///
    /// # Errors
    /// [`WalkError`] if the store cannot be read.
    pub fn hash_at(&self, height: u64) -> Result<Option<B256>, WalkError> {
        if height > self.light.height() {
            return Ok(None);
        }
        Ok(kept_decided(&*self.store, height)?)
    }

    /// Goes on by these headers, up to `to`. What is good of them is gone by and kept, even if one of them is refused.
    ///
    /// # Errors
    /// [`WalkError`].
    pub fn go(&mut self, blocks: Vec<DecidedBlock>, to: u64) -> Result<(), WalkError> {
        let mut decided = Vec::with_capacity(blocks.len());
        let mut refused = None;
        for DecidedBlock { header, certificate, set } in blocks {
            if self.light.height() >= to {
                break;
            }
            let set = (!set.is_empty()).then_some(&set[..]);
            let changes = self.light.set_changes();
            let block = LightBlock { header, certificate };
            if let Err(error) = self.light.advance(&block, set) {
                refused = Some(error);
                break;
            }
            if self.light.set_changes() != changes {
                keep_sets(&*self.store, [self.light.set()])?;
            }
            decided.push(DecidedHeader { header: self.light.head().clone(), certificate: block.certificate });
        }
        keep_decided(&*self.store, &decided)?;
        refused.map_or(Ok(()), |error| Err(error.into()))
    }
}
