//! What a new block does to the pool.

use std::time::Duration;

use alloy_consensus::Transaction as _;
use alloy_primitives::map::{AddressMap, B256Set};
use alloy_primitives::{Address, B256};
use weft_evm::Executed;

use super::account::AccountState;
use super::line::Slot;
use super::machine::Pool;
use super::outcome::{DropReason, Fate};

/// A block that is final, as far as the pool is concerned.
#[derive(Debug, Clone, Default)]
pub struct BlockUpdate {
    /// The block's height.
    pub height: u64,
    /// The base fee of the block after it.
    pub base_fee: u64,
    /// Hash, sender and nonce of its transactions.
    pub included: Vec<(B256, Address, u64)>,
    /// The accounts it changed, as they are after it. Those that have nothing in the pool do no harm.
    pub accounts: Vec<(Address, AccountState)>,
}

impl BlockUpdate {
    /// Of a block that was executed; `base_fee` is that of the block after it.
    pub fn of(executed: &Executed, base_fee: u64) -> Self {
        let block = &executed.block;
        let transactions = block.block.body.transactions.iter().zip(&block.senders);
        let included = transactions.map(|(tx, sender)| (*tx.tx_hash(), *sender, tx.nonce())).collect();
        let changed = executed.changes.accounts.iter();
        let accounts = changed.map(|(at, change)| (*at, AccountState::of_sender(change.after.as_ref()))).collect();
        BlockUpdate { height: block.header().number, base_fee, included, accounts }
    }
}

impl Pool {
    /// Takes a block into account: what it holds leaves, what it made stale is dropped, what became executable is pending,
    /// what cannot be paid any more waits.
    pub fn on_block(&mut self, _now: Duration, block: &BlockUpdate) {
        let mut ours = B256Set::default();
        let mut others = AddressMap::<Vec<(u64, B256)>>::default();
        let mut changed = AddressMap::<AccountState>::default();
        for (hash, sender, nonce) in &block.included {
            let Some(account) = self.account(*sender) else { continue };
            if self.by_hash.contains_key(hash) {
                ours.insert(*hash);
            } else {
                others.entry(*sender).or_default().push((*nonce, *hash));
            }
            // The account's own entry says the same; this is for a caller who has none.
            let known = changed.entry(*sender).or_insert(account);
            known.nonce = known.nonce.max(nonce.saturating_add(1));
        }
        for (address, account) in &block.accounts {
            if self.lines.contains_key(address) {
                let least = changed.get(address).map_or(0, |known| known.nonce);
                changed.insert(*address, AccountState { nonce: account.nonce.max(least), ..*account });
            }
        }
        // In an order of its own, so that what follows does not hang on a hash map's.
        let mut changed: Vec<(Address, AccountState)> = changed.into_iter().collect();
        changed.sort_unstable_by_key(|(address, _)| *address);
        for (address, account) in changed {
            let stale: Vec<Slot> = self.edit(address, 0, |line| line.advance(account)).unwrap_or_default();
            for slot in stale {
                let (hash, nonce) = (slot.tx.hash(), slot.tx.nonce());
                let other = others.get(&address).and_then(|all| all.iter().find(|(of, _)| *of == nonce));
                let fate = match other {
                    _ if ours.contains(&hash) => Fate::Included { height: block.height },
                    Some((_, by)) => Fate::Replaced { by: *by },
                    None => Fate::Dropped(DropReason::NonceUsed),
                };
                self.gone(slot, fate);
            }
            self.trim(address);
        }
        self.set_base_fee(block.base_fee);
    }
}
