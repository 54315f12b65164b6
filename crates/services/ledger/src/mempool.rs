//! What a replica asks of the pool, and tells it.

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes};
use weft_evm::{DecodeError, Executed, MAX_BLOCK_BYTES, Recovered, Transaction, recover_senders};

use crate::handle::Ledger;
use crate::pool::{Budget, DropReason};

/// Few transactions use all the gas they ask for: candidates may ask for this many blocks together.
const BLOCKS_OF_GAS: u64 = 3;

/// 30,000 candidates: more than the gas of a block holds of the cheapest.
const MAX_CANDIDATES: usize = 30_000;

/// The transactions that wait, as a replica needs them.
pub trait Mempool: Send + Sync + 'static {
    /// Whether a block can be built of something.
    fn is_waiting(&self) -> bool;

    /// What the next block is best built of, best first.
    fn candidates(&self) -> Vec<Recovered>;

    /// Transactions can never be executed as they are, and why.
    fn kicked(&self, transactions: Vec<(B256, String)>);

    /// A block is final, with what shows it.
    fn committed(&self, executed: Arc<Executed>, certificate: Bytes);

    /// The senders of a block's transactions; an error names the place of the first that has none.
    fn senders(&self, transactions: &[Transaction]) -> Result<Vec<Address>, (usize, DecodeError)>;
}

impl Ledger {
    fn next_base_fee(&self) -> u64 {
        let (_, head) = self.chain().head();
        self.chain().spec().next_base_fee(&head).unwrap_or_default()
    }
}

impl Mempool for Ledger {
    fn is_waiting(&self) -> bool {
        let base_fee = self.next_base_fee();
        self.pool().lock().offers(base_fee)
    }

    fn candidates(&self) -> Vec<Recovered> {
        let (_, head) = self.chain().head();
        let gas = head.gas_limit.saturating_mul(BLOCKS_OF_GAS);
        let budget = Budget { count: MAX_CANDIDATES, bytes: MAX_BLOCK_BYTES, gas };
        let candidates = self.pool().lock().candidates(self.next_base_fee(), budget);
        candidates.map(|tx| tx.transaction().clone()).collect()
    }

    fn kicked(&self, transactions: Vec<(B256, String)>) {
        let mut pool = self.pool().lock();
        for (hash, reason) in transactions {
            pool.remove(hash, DropReason::Invalid(reason));
        }
        let outcomes = pool.drain_outcomes();
        drop(pool);
        self.tell_outcomes(outcomes);
    }

    fn committed(&self, executed: Arc<Executed>, certificate: Bytes) {
        Ledger::committed(self, executed, certificate);
    }

    /// Those in the pool are known; the rest is recovered, in parallel.
    fn senders(&self, transactions: &[Transaction]) -> Result<Vec<Address>, (usize, DecodeError)> {
        let mut senders: Vec<Option<Address>> = {
            let pool = self.pool().lock();
            transactions.iter().map(|tx| pool.get(*tx.tx_hash()).map(|known| known.sender())).collect()
        };
        let unknown: Vec<usize> = (0..senders.len()).filter(|place| senders[*place].is_none()).collect();
        let missing: Vec<Transaction> = unknown.iter().map(|place| transactions[*place].clone()).collect();
        let found = recover_senders(self.chain().spec(), &missing, self.threads());
        let found = found.map_err(|(at, error)| (unknown[at], error))?;
        for (place, sender) in unknown.into_iter().zip(found) {
            senders[place] = Some(sender);
        }
        Ok(senders.into_iter().flatten().collect())
    }
}
