//! A node of the simulation: a driver, and what its disk holds.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ed25519_dalek::SigningKey;
use weft_consensus::certificate::CommitCertificate;
use weft_consensus::codec::{WalEntry, decode_wal_entry, encode_wal_entry};
use weft_consensus::driver::{Config, Driver, Identity};
use weft_consensus::evidence::Evidence;
use weft_consensus::types::BlockHash;

use super::block::{CHAIN, address, key};
use super::plan::{Crash, Nature, Plan};

pub(crate) struct Node {
    pub(crate) nature: Nature,
    pub(crate) key: SigningKey,
    /// None while it is down.
    pub(crate) driver: Option<Driver<SigningKey>>,
    // What is on disk.
    pub(crate) chain: Vec<CommitCertificate>,
    pub(crate) log: Vec<Vec<u8>>,
    pub(crate) bodies: BTreeSet<BlockHash>,
    /// Entries that are written and not flushed: a crash may take them.
    pub(crate) unflushed: Vec<Vec<u8>>,
    pub(crate) crashes: Vec<Crash>,
    pub(crate) carried_out: usize,
    pub(crate) wake: Option<Duration>,
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) refused: usize,
    /// What an equivocator pretends to others in a block's place.
    pub(crate) twins: BTreeMap<BlockHash, BlockHash>,
    /// How many entries its log ever had.
    pub(crate) entries: usize,
    clock: (Duration, i64),
}

impl Node {
    pub(crate) fn new(plan: &Plan, index: usize) -> Self {
        let mut crashes = plan.crashes[index].clone();
        crashes.reverse();
        Self {
            nature: plan.natures[index],
            key: key(plan.seed, index),
            driver: None,
            chain: Vec::new(),
            log: Vec::new(),
            bodies: BTreeSet::new(),
            unflushed: Vec::new(),
            crashes,
            carried_out: 0,
            wake: None,
            evidence: Vec::new(),
            refused: 0,
            twins: BTreeMap::new(),
            entries: 0,
            clock: plan.clocks[index],
        }
    }

    pub(crate) fn is_honest(&self) -> bool {
        matches!(self.nature, Nature::Honest | Nature::LiesToSync)
    }

    /// What its clock shows.
    pub(crate) fn local(&self, now: Duration) -> Duration {
        let rate = (1000 + self.clock.1) as u32;
        self.clock.0 + now * rate / 1000
    }

    /// When its clock will show this.
    pub(crate) fn global(&self, local: Duration) -> Duration {
        let rate = (1000 + self.clock.1) as u32;
        // Rather a little late than never there.
        (local.saturating_sub(self.clock.0)) * 1000 / rate + Duration::from_micros(1)
    }

    /// The first height that it has not stored.
    pub(crate) fn height(&self) -> u64 {
        self.chain.len() as u64 + 1
    }

    pub(crate) fn persist(&mut self, entry: &WalEntry) {
        self.entries += 1;
        self.unflushed.push(encode_wal_entry(entry));
    }

    pub(crate) fn flush(&mut self) {
        self.log.append(&mut self.unflushed);
    }

    /// A decided block is stored, and the log pruned.
    pub(crate) fn store(&mut self, certificate: CommitCertificate) {
        let height = certificate.height;
        self.chain.push(certificate);
        self.log.retain(|entry| decode_wal_entry(entry).unwrap().height() > height);
    }

    pub(crate) fn fresh_driver(&mut self, index: usize) -> Vec<WalEntry> {
        let identity = Identity { address: address(index), signer: self.key.clone() };
        self.driver = Some(Driver::new(Config::new(CHAIN), Some(identity)));
        self.wake = None;
        self.log.iter().map(|entry| decode_wal_entry(entry).unwrap()).collect()
    }
}
