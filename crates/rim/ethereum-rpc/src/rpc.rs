//! One call: what it reads from, how long it may take, and which block it means.

use std::sync::Arc;
use std::time::Instant;

use alloy_consensus::Header;
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Address, B256, Bytes};
use serde::Serialize;
use serde_json::value::RawValue;
use weft_evm::{Attributes, Chain, Preamble, StateView};
use weft_ledger::handle::Ledger;

use crate::args::Args;
use crate::config::Config;
use crate::error::{INTERNAL, RpcError};
use crate::filters::kept::Filters;
use crate::recent::{Recent, Whole};

/// What a method answers with: JSON, or an error.
pub(crate) type Reply = Result<Box<RawValue>, RpcError>;

/// What all calls share.
#[derive(Debug)]
pub(crate) struct Rpc {
    pub(crate) ledger: Ledger,
    pub(crate) config: Config,
    pub(crate) filters: Filters,
    pub(crate) recent: Recent,
}

/// A call under way.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) rpc: &'a Rpc,
    pub(crate) args: Args<'a>,
    pub(crate) deadline: Instant,
}

/// The block that a call means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    /// A final one.
    Height(u64),
    /// The one after the head, with what waits in the pool.
    Pending,
}

pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> Reply {
    serde_json::value::to_raw_value(value).map_err(|error| RpcError::new(INTERNAL, error.to_string()))
}

impl<'a> Call<'a> {
    pub(crate) fn chain(&self) -> &'a Chain {
        self.rpc.ledger.chain()
    }

    pub(crate) fn is_late(&self) -> bool {
        Instant::now() >= self.deadline
    }

    pub(crate) fn in_time(&self) -> Result<(), RpcError> {
        if self.is_late() { Err(RpcError::timeout()) } else { Ok(()) }
    }

    /// The block that the parameter at a place names; the head if it is not there.
    pub(crate) fn block_id(&self, at: usize) -> Result<At, RpcError> {
        let id: Option<BlockId> = self.args.optional(at)?;
        self.at(id.unwrap_or(BlockId::latest()))
    }

    pub(crate) fn at(&self, id: BlockId) -> Result<At, RpcError> {
        match id {
            BlockId::Hash(hash) => match self.chain().height_of(hash.block_hash)? {
                Some(height) => Ok(At::Height(height)),
                None => Err(RpcError::server(format!("header for hash {} not found", hash.block_hash))),
            },
            BlockId::Number(number) => self.numbered(number),
        }
    }

    pub(crate) fn numbered(&self, number: BlockNumberOrTag) -> Result<At, RpcError> {
        let head = self.chain().height();
        match number {
            // What is in a block is final (DESIGN §6).
            BlockNumberOrTag::Latest | BlockNumberOrTag::Safe | BlockNumberOrTag::Finalized => Ok(At::Height(head)),
            BlockNumberOrTag::Earliest => Ok(At::Height(0)),
            BlockNumberOrTag::Pending => Ok(At::Pending),
            BlockNumberOrTag::Number(height) if height <= head => Ok(At::Height(height)),
            BlockNumberOrTag::Number(_) => Err(RpcError::header_not_found()),
        }
    }

    /// The state at a block; what waits in the pool has changed none.
    pub(crate) fn state(&self, at: At) -> Result<StateView, RpcError> {
        match at {
            At::Height(height) => Ok(self.chain().state_at(height)?),
            At::Pending => Ok(self.chain().state()),
        }
    }

    /// The header that a call executes under.
    pub(crate) fn header(&self, at: At) -> Result<(B256, Header), RpcError> {
        match at {
            At::Height(height) => self.chain().header(height)?.ok_or_else(RpcError::header_not_found),
            At::Pending => Ok((B256::ZERO, self.pending_header())),
        }
    }

    /// The block at a height with its receipts; an error where it is there and not kept.
    pub(crate) fn block(&self, height: u64) -> Result<Option<Arc<Whole>>, RpcError> {
        let found = self.rpc.recent.block(self.chain(), height)?;
        if found.is_none() && self.chain().header(height)?.is_some() {
            return Err(RpcError::pruned(height, self.chain().oldest_block()?));
        }
        Ok(found)
    }

    /// The same, where it is known to be there.
    pub(crate) fn whole(&self, height: u64) -> Result<Arc<Whole>, RpcError> {
        self.block(height)?.ok_or_else(RpcError::header_not_found)
    }

    pub(crate) fn pending_header(&self) -> Header {
        let (_, head) = self.chain().head();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let timestamp = now.map_or(head.timestamp, |now| now.as_secs());
        let extra_data = B256::try_from(&head.extra_data[..]).unwrap_or_default();
        let preamble = Preamble { calls: Vec::new(), commitment: B256::ZERO, bytes: Bytes::new() };
        self.chain().next_header(&Attributes { timestamp, beneficiary: Address::ZERO, extra_data, preamble })
    }
}
