//! Blocks that are asked for again and again, read once: what is final stays what it is.
//!
//! Ten thousand clients that wait for their receipts ask for one block ten thousand times; reading a full one takes some
//! ten milliseconds.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use alloy_consensus::Transaction as _;
use parking_lot::Mutex;
use weft_evm::{Chain, Receipt, StateError, StoredBlock, Transaction};

/// 64 MiB: what is kept of blocks, roughly. Some ten full ones, or thousands of small ones.
const MAX_BYTES: usize = 64 << 20;

/// 256: blocks that are kept, so that finding one is quick.
const MAX_BLOCKS: usize = 256;

/// 64: blocks whose lowest tips are kept, more than are looked at for a price.
const MAX_TIPS: usize = 64;

/// A block with its receipts.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) stored: StoredBlock,
    pub(crate) receipts: Vec<Receipt>,
    bytes: usize,
}

impl Whole {
    fn new(stored: StoredBlock, receipts: Vec<Receipt>) -> Self {
        let transaction = |tx: &Transaction| 512 + tx.input().len();
        let log = |log: &alloy_primitives::Log| 128 + log.data.data.len();
        let receipt = |receipt: &Receipt| 128 + receipt.logs.iter().map(log).sum::<usize>();
        let transactions = &stored.block.block.body.transactions;
        let bytes =
            1_024 + transactions.iter().map(transaction).sum::<usize>() + receipts.iter().map(receipt).sum::<usize>();
        Whole { stored, receipts, bytes }
    }

    pub(crate) fn height(&self) -> u64 {
        self.stored.block.header().number
    }
}

#[derive(Debug, Default)]
struct Kept {
    /// Those asked for last are last.
    blocks: VecDeque<Arc<Whole>>,
    bytes: usize,
}

/// What is kept of the blocks that were asked for.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    kept: Mutex<Kept>,
    /// Held while a block is read, so that many who want the same read it once.
    reading: Mutex<()>,
    tips: Mutex<BTreeMap<u64, Vec<u128>>>,
}

impl Recent {
    /// The block at a height.
    pub(crate) fn block(&self, chain: &Chain, height: u64) -> Result<Option<Arc<Whole>>, StateError> {
        if let Some(found) = self.find(height) {
            return Ok(Some(found));
        }
        let _reading = self.reading.lock();
        if let Some(found) = self.find(height) {
            return Ok(Some(found));
        }
        let Some(stored) = chain.block(height)? else { return Ok(None) };
        let whole = Arc::new(Whole::new(stored, chain.receipts(height)?.unwrap_or_default()));
        self.keep(whole.clone());
        Ok(Some(whole))
    }

    fn find(&self, height: u64) -> Option<Arc<Whole>> {
        let mut kept = self.kept.lock();
        let place = kept.blocks.iter().rposition(|whole| whole.height() == height)?;
        let found = kept.blocks.remove(place)?;
        kept.blocks.push_back(found.clone());
        Some(found)
    }

    fn keep(&self, whole: Arc<Whole>) {
        let mut kept = self.kept.lock();
        kept.bytes += whole.bytes;
        kept.blocks.push_back(whole);
        while kept.bytes > MAX_BYTES || kept.blocks.len() > MAX_BLOCKS {
            let Some(gone) = kept.blocks.pop_front() else { break };
            kept.bytes -= gone.bytes;
        }
    }

    /// The three lowest tips of the block at a height, in order.
    pub(crate) fn tips(&self, chain: &Chain, height: u64) -> Result<Vec<u128>, StateError> {
        if let Some(tips) = self.tips.lock().get(&height) {
            return Ok(tips.clone());
        }
        let Some(whole) = self.block(chain, height)? else { return Ok(Vec::new()) };
        let block = &whole.stored.block;
        let base_fee = block.header().base_fee_per_gas.unwrap_or_default();
        let transactions = block.block.body.transactions.iter();
        let mut tips: Vec<u128> = transactions.filter_map(|tx| tx.effective_tip_per_gas(base_fee)).collect();
        tips.sort_unstable();
        tips.truncate(3);
        let mut all = self.tips.lock();
        all.insert(height, tips.clone());
        if all.len() > MAX_TIPS {
            all.pop_first();
        }
        Ok(tips)
    }
}

#[cfg(test)]
mod tests {
    use alloy_consensus::{Block, Header};
    use weft_evm::{Preamble, RecoveredBlock};

    use super::*;

    fn whole(number: u64, bytes: usize) -> Arc<Whole> {
        let block = Block { header: Header { number, ..Header::default() }, body: Default::default() };
        let block = Arc::new(RecoveredBlock::new(block, Vec::new(), Preamble::default()));
        let stored = StoredBlock { block, certificate: Default::default() };
        Arc::new(Whole { bytes, ..Whole::new(stored, Vec::new()) })
    }

    #[test]
    fn what_is_kept_is_bounded_and_what_is_used_stays() {
        let recent = Recent::default();
        for number in 0..300 {
            recent.keep(whole(number, 1));
            assert!(recent.find(0).is_some(), "it is asked for all the time");
        }
        assert_eq!(recent.kept.lock().blocks.len(), MAX_BLOCKS);
        assert!(recent.find(1).is_none() && recent.find(299).is_some());
        recent.keep(whole(300, MAX_BYTES - 1));
        assert_eq!(recent.kept.lock().blocks.len(), 2, "a large one takes the place of many");
        recent.keep(whole(301, MAX_BYTES + 1));
        let kept = recent.kept.lock();
        assert_eq!((kept.blocks.len(), kept.bytes), (0, 0), "one that is too large is not kept");
    }
}
