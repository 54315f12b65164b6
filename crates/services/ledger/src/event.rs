//! What happened on the ledger.

use serde::Serialize;
use weft_events::Event;

use crate::view::{BlockView, EvidenceView, LedgerPeerView, ValidatorView};

/// A change, emitted when it is final or on the disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum LedgerEvent {
    /// This node is on a chain now.
    Started {
        /// The chain's id.
        chain_id: u64,
        /// The hash of its genesis.
        genesis: String,
        /// The height of the head.
        height: u64,
    },
    /// This node is on no chain any more.
    Stopped {
        /// Why, if it did not stop of its own will.
        because: Option<String>,
    },
    /// A round of consensus began.
    Round {
        /// Its height.
        height: u64,
        /// Its number.
        round: u32,
        /// Whose turn it is.
        proposer: String,
    },
    /// A block is final.
    Block {
        /// The block.
        block: BlockView,
    },
    /// The validators changed.
    Validators {
        /// Those that decide the next height.
        validators: Vec<ValidatorView>,
    },
    /// A validator contradicted itself.
    Evidence {
        /// What it did.
        evidence: EvidenceView,
    },
    /// How far behind this node is changed; nothing is said of heights if it is not.
    Sync {
        /// Where it began to catch up.
        #[serde(skip_serializing_if = "Option::is_none")]
        starting: Option<u64>,
        /// The highest that peers say they have.
        #[serde(skip_serializing_if = "Option::is_none")]
        highest: Option<u64>,
    },
    /// The peers on this ledger changed.
    Peers {
        /// All of them.
        peers: Vec<LedgerPeerView>,
    },
}

impl Event for LedgerEvent {
    const SOURCE: &'static str = "ledger";

    fn kind(&self) -> &'static str {
        match self {
            Self::Started { .. } => "started",
            Self::Stopped { .. } => "stopped",
            Self::Round { .. } => "round",
            Self::Block { .. } => "block",
            Self::Validators { .. } => "validators",
            Self::Evidence { .. } => "evidence",
            Self::Sync { .. } => "sync",
            Self::Peers { .. } => "peers",
        }
    }
}
