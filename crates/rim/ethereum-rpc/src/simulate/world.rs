//! The state between simulated blocks: a state of the chain, and all that simulated blocks changed of it.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256};
use revm::bytecode::Bytecode;
use weft_evm::{Account, Chain, ProofError, StateChanges, StateError, StateReader, StateView};

use crate::error::RpcError;

#[derive(Debug)]
pub(super) struct World {
    base: StateView,
    changes: StateChanges,
    hashes: BTreeMap<u64, B256>,
}

impl World {
    pub(super) fn new(base: StateView) -> Self {
        World { base, changes: StateChanges::default(), hashes: BTreeMap::new() }
    }

    /// Takes in what a block changed, and gives the state root after it.
    pub(super) fn apply(&mut self, chain: &Chain, block: StateChanges) -> Result<B256, RpcError> {
        for (address, change) in block.accounts {
            let own = self.changes.accounts.entry(address).or_insert_with(|| weft_evm::AccountChange {
                before: change.before,
                after: None,
                wiped: false,
                storage: BTreeMap::new(),
            });
            if change.wiped {
                own.wiped = true;
                own.storage.clear();
            }
            own.after = change.after;
            for (slot, (before, after)) in change.storage {
                own.storage.entry(slot).or_insert((before, after)).1 = after;
            }
        }
        self.changes.codes.extend(block.codes);
        chain.root_after(self.base.height(), &mut self.changes).map_err(|error| match error {
            ProofError::OutOfReach { height, oldest, newest } => RpcError::server(format!(
                "blocks can be simulated after those of heights {oldest} to {newest}; {height} is too old"
            )),
            other => other.into(),
        })
    }

    /// What `BLOCKHASH` is to say of a simulated block.
    pub(super) fn remember(&mut self, number: u64, hash: B256) {
        self.hashes.insert(number, hash);
    }
}

impl StateReader for World {
    fn account(&self, address: Address) -> Result<Option<Account>, StateError> {
        match self.changes.accounts.get(&address) {
            Some(change) => Ok(change.after),
            None => self.base.account(address),
        }
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        match self.changes.accounts.get(&address) {
            Some(change) => match change.storage.get(&slot) {
                Some((_, now)) => Ok(*now),
                None if change.wiped => Ok(U256::ZERO),
                None => self.base.storage(address, slot),
            },
            None => self.base.storage(address, slot),
        }
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        match self.changes.codes.get(&hash) {
            Some(code) => Ok(code.clone()),
            None => self.base.code(hash),
        }
    }

    fn bytecode(&self, hash: B256) -> Result<Bytecode, StateError> {
        match self.changes.codes.get(&hash) {
            Some(code) => {
                Ok(Bytecode::new_raw_checked(code.clone()).unwrap_or_else(|_| Bytecode::new_legacy(code.clone())))
            }
            None => self.base.bytecode(hash),
        }
    }

    fn all_storage(&self, _: Address) -> Result<Vec<(U256, U256)>, StateError> {
        // It is for history, which a simulation does not write; that the storage went is said by itself.
        Ok(Vec::new())
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        match self.hashes.get(&number) {
            Some(hash) => Ok(*hash),
            // The chain may know later blocks, which are none of this world's.
            None if number > self.base.height() => Ok(B256::ZERO),
            None => self.base.block_hash(number),
        }
    }
}
