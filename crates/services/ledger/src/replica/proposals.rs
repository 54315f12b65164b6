//! The blocks of the height that runs: those proposed, those made, those asked for.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use alloy_primitives::{B256, Bytes};
use weft_evm::{Block, Executed};

/// 16 blocks of one height: a round has one honest proposal, and a height has few rounds. More are asked for again when
/// they are needed.
pub const MAX_PROPOSALS: usize = 16;

/// A block at hand.
#[derive(Debug, Clone)]
pub(super) struct Proposed {
    /// As it came.
    pub(super) block: Arc<Block>,
    /// The evidence beside it.
    pub(super) evidence: Bytes,
    /// What executing it gave.
    pub(super) executed: Option<Arc<Executed>>,
    /// Whether its bytes are on the disk, or will be with the log's next flush.
    pub(super) kept: bool,
}

/// Blocks of one height, by hash.
#[derive(Debug, Default)]
pub(super) struct Proposals {
    blocks: BTreeMap<B256, Proposed>,
    /// Blocks that the driver waits for.
    wanted: Vec<B256>,
    /// The rounds of whose proposers one made it, of blocks that are proposed.
    rounds: BTreeMap<B256, RangeInclusive<u32>>,
}

impl Proposals {
    /// Another height: all are forgotten.
    pub(super) fn clear(&mut self) {
        self.blocks.clear();
        self.wanted.clear();
        self.rounds.clear();
    }

    /// A block is proposed: it was made in one of these rounds. As many as the driver asks about.
    pub(super) fn expect(&mut self, hash: B256, rounds: RangeInclusive<u32>) {
        if self.rounds.len() < MAX_PROPOSALS {
            self.rounds.entry(hash).or_insert(rounds);
        }
    }

    /// In which rounds it may have been made, if it is proposed.
    pub(super) fn rounds(&self, hash: &B256) -> Option<RangeInclusive<u32>> {
        self.rounds.get(hash).cloned()
    }

    pub(super) fn get(&self, hash: &B256) -> Option<&Proposed> {
        self.blocks.get(hash)
    }

    pub(super) fn get_mut(&mut self, hash: &B256) -> Option<&mut Proposed> {
        self.blocks.get_mut(hash)
    }

    /// The driver waits for this one.
    pub(super) fn want(&mut self, hash: B256) {
        if !self.wanted.contains(&hash) && self.wanted.len() < MAX_PROPOSALS {
            self.wanted.push(hash);
        }
    }

    /// Takes a block in. Says whether the driver waits for it. One that nobody asked for makes no room by driving others
    /// out.
    pub(super) fn insert(&mut self, hash: B256, proposed: Proposed) -> bool {
        let wanted = self.wanted.iter().position(|one| *one == hash);
        if let Some(index) = wanted {
            self.wanted.swap_remove(index);
        }
        if self.blocks.len() >= MAX_PROPOSALS && !self.blocks.contains_key(&hash) {
            let idle = self.blocks.iter().find(|(_, one)| one.executed.is_none()).map(|(hash, _)| *hash);
            match (wanted, idle) {
                (Some(_), Some(idle)) => {
                    self.blocks.remove(&idle);
                }
                (Some(_), None) => {}
                (None, _) => return false,
            }
        }
        self.blocks.entry(hash).or_insert(proposed);
        wanted.is_some()
    }
}
