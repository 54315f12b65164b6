//! What is seen of the ledger at this moment, and told to the event feed when it changes.

use std::collections::{BTreeMap, VecDeque};

use alloy_primitives::{Address, B256};
use parking_lot::RwLock;
use weft_consensus::types::ValidatorSet;
use weft_events::EventSink;

use crate::event::LedgerEvent;
use crate::handle::{Ledger, SyncStatus, ValidatorInfo};
use crate::pool::{Fate, Outcome};
use crate::replica::Action;
use crate::view::{BlockView, EvidenceView, LedgerPeerView, ValidatorView};

/// 64 pieces of evidence are remembered; those in blocks are in the chain for ever.
const MAX_EVIDENCE: usize = 64;

/// 8,192 transactions that left the pool without a block are remembered, with the reason.
const MAX_FATES: usize = 8_192;

/// The round that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoundNow {
    /// Its height.
    pub height: u64,
    /// Its number.
    pub round: u32,
    /// Whose turn it is.
    pub proposer: Address,
}

#[derive(Debug, Default)]
struct Seen {
    round: Option<RoundNow>,
    peers: Vec<LedgerPeerView>,
    evidence: VecDeque<EvidenceView>,
    silent: Option<(u64, String)>,
    fates: BTreeMap<B256, Fate>,
    fates_in_order: VecDeque<B256>,
}

/// What is seen.
pub struct Watch {
    sink: EventSink,
    me: Option<Address>,
    seen: RwLock<Seen>,
}

impl Watch {
    /// Seen by the validator `me`, told to `sink`.
    pub fn new(sink: EventSink, me: Option<Address>) -> Self {
        Watch { sink, me, seen: RwLock::default() }
    }

    /// The round that runs.
    pub fn round(&self) -> Option<RoundNow> {
        self.seen.read().round
    }

    /// The peers on this ledger.
    pub fn peer_list(&self) -> Vec<LedgerPeerView> {
        self.seen.read().peers.clone()
    }

    /// Validators that contradicted themselves while this node ran; the newest last.
    pub fn evidence(&self) -> Vec<EvidenceView> {
        self.seen.read().evidence.iter().cloned().collect()
    }

    /// If this node does not sign at a height: which, and why.
    pub fn silent(&self) -> Option<(u64, String)> {
        self.seen.read().silent.clone()
    }

    /// What became of a transaction that left the pool without a block.
    pub fn fate(&self, hash: &B256) -> Option<Fate> {
        self.seen.read().fates.get(hash).cloned()
    }

    pub(crate) fn tell(&self, event: &LedgerEvent) {
        self.sink.emit(event);
    }

    pub(crate) fn sync(&self, sync: Option<SyncStatus>) {
        self.tell(&LedgerEvent::Sync {
            starting: sync.map(|sync| sync.starting),
            highest: sync.map(|sync| sync.highest),
        });
    }

    pub(crate) fn peers(&self, ledger: &Ledger, peers: Vec<LedgerPeerView>) {
        ledger.set_peers(peers.len());
        let names = |peers: &[LedgerPeerView]| peers.iter().map(|peer| peer.peer.clone()).collect::<Vec<_>>();
        let before = std::mem::replace(&mut self.seen.write().peers, peers.clone());
        // Their heights change with every block, which has an event of its own.
        if names(&before) != names(&peers) {
            self.tell(&LedgerEvent::Peers { peers });
        }
    }

    pub(crate) fn left_pool(&self, outcome: Outcome) {
        if matches!(outcome.fate, Fate::Included { .. }) {
            return;
        }
        let mut seen = self.seen.write();
        if seen.fates.insert(outcome.hash, outcome.fate).is_none() {
            seen.fates_in_order.push_back(outcome.hash);
        }
        while seen.fates_in_order.len() > MAX_FATES {
            if let Some(oldest) = seen.fates_in_order.pop_front() {
                seen.fates.remove(&oldest);
            }
        }
    }

    pub(crate) fn acted(&self, ledger: &Ledger, action: &Action) {
        match action {
            Action::Round { height, round, proposer } => {
                self.seen.write().round = Some(RoundNow { height: *height, round: *round, proposer: *proposer });
                let proposer = proposer.to_string();
                self.tell(&LedgerEvent::Round { height: *height, round: *round, proposer });
            }
            Action::Committed(executed, certificate) => {
                let transactions = executed.block.block.body.transactions.len();
                let block = BlockView::of(executed.hash(), executed.header(), transactions, Some(certificate));
                self.tell(&LedgerEvent::Block { block });
            }
            Action::Validators(set) => {
                let set = infos(set);
                let validators = ValidatorView::of(&set, self.me);
                ledger.set_validators(set);
                self.tell(&LedgerEvent::Validators { validators });
            }
            Action::Evidence(evidence) => {
                let evidence = EvidenceView::of(evidence);
                tracing::warn!(validator = %evidence.validator, height = evidence.height, what = evidence.what,
                    "a validator contradicted itself");
                let mut seen = self.seen.write();
                if seen.evidence.contains(&evidence) {
                    return;
                }
                seen.evidence.push_back(evidence.clone());
                while seen.evidence.len() > MAX_EVIDENCE {
                    seen.evidence.pop_front();
                }
                drop(seen);
                self.tell(&LedgerEvent::Evidence { evidence });
            }
            Action::Silent(why) => {
                let height = ledger.chain().height() + 1;
                tracing::warn!(height, %why, "this validator does not sign at this height");
                self.seen.write().silent = Some((height, why.clone()));
            }
            _ => {}
        }
    }
}

/// A set as the handle shows it.
pub fn infos(set: &ValidatorSet) -> Vec<ValidatorInfo> {
    let info = |validator: &weft_consensus::types::Validator| ValidatorInfo {
        address: Address::from(validator.address.0),
        public_key: B256::from(validator.public_key.to_bytes()),
        power: validator.power,
    };
    set.validators().iter().map(info).collect()
}
