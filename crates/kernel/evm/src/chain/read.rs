//! Blocks, transactions, receipts, certificates.

use std::sync::Arc;

use alloy_consensus::Header;
use alloy_primitives::{B256, Bytes};

use super::Chain;
use super::tables::{self, StoredBody, height_key, meta};
use crate::block::{Block, Receipt, RecoveredBlock, Transaction};
use crate::execute::Session;
use crate::state::StateError;
use crate::validate::BlockError;

/// A final block.
#[derive(Debug, Clone)]
pub struct StoredBlock {
    /// The block with its senders.
    pub block: Arc<RecoveredBlock>,
    /// The certificate that consensus gave; empty for the genesis.
    pub certificate: Bytes,
}

/// Where a transaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The block's height.
    pub height: u64,
    /// Its index in the block.
    pub index: usize,
}

impl Chain {
    /// The hash and header of the block at a height.
    pub fn header(&self, height: u64) -> Result<Option<(B256, Header)>, StateError> {
        if height > self.height() {
            return Ok(None);
        }
        let row = self.shared.store.get(tables::HEADERS, &height_key(height))?;
        row.map(|row| tables::read_header(&row)).transpose()
    }

    /// The oldest block, but the genesis, whose transactions are kept: higher than 1 where the chain began from a snapshot.
    /// Headers and certificates may go further back.
    pub fn oldest_block(&self) -> Result<u64, StateError> {
        match self.shared.store.get(tables::META, meta::OLDEST_BLOCK)? {
            // At a snapshot there is the state after its block, and the header, and not the block.
            Some(row) => Ok(tables::read_height(&row)? + 1),
            None => Ok(1),
        }
    }

    /// The height of the final block with this hash.
    pub fn height_of(&self, hash: B256) -> Result<Option<u64>, StateError> {
        let Some(row) = self.shared.store.get(tables::HEIGHTS, hash.as_slice())? else { return Ok(None) };
        let height = tables::read_height(&row)?;
        Ok((height <= self.height()).then_some(height))
    }

    /// The block at a height, with its certificate.
    pub fn block(&self, height: u64) -> Result<Option<StoredBlock>, StateError> {
        let Some((hash, header)) = self.header(height)? else { return Ok(None) };
        let Some(row) = self.shared.store.get(tables::BODIES, &height_key(height))? else { return Ok(None) };
        let (body, senders, preamble) = tables::decode::<StoredBody>("body", &row)?.into_parts();
        let certificate = self.certificate(height)?.unwrap_or_default();
        let block = Arc::new(RecoveredBlock { hash, block: Block { header, body }, senders, preamble });
        Ok(Some(StoredBlock { block, certificate }))
    }

    /// The certificate of the block at a height.
    pub fn certificate(&self, height: u64) -> Result<Option<Bytes>, StateError> {
        if height > self.height() {
            return Ok(None);
        }
        Ok(self.shared.store.get(tables::CERTIFICATES, &height_key(height))?.map(Bytes::from))
    }

    /// The receipts of the block at a height.
    pub fn receipts(&self, height: u64) -> Result<Option<Vec<Receipt>>, StateError> {
        if height > self.height() {
            return Ok(None);
        }
        let row = self.shared.store.get(tables::RECEIPTS, &height_key(height))?;
        row.map(|row| tables::read_receipts(&row)).transpose()
    }

    /// Where a final transaction is.
    pub fn place(&self, transaction: B256) -> Result<Option<Place>, StateError> {
        let Some(row) = self.shared.store.get(tables::TRANSACTIONS, transaction.as_slice())? else { return Ok(None) };
        let damaged = || StateError::damaged("place of a transaction", "it has not 12 bytes");
        let (height, index) = row.split_at_checked(8).ok_or_else(damaged)?;
        let height = tables::read_height(height)?;
        let index = u32::from_be_bytes(index.try_into().map_err(|_| damaged())?) as usize;
        Ok((height <= self.height()).then_some(Place { height, index }))
    }

    /// A final transaction, where it is, and its block.
    pub fn transaction(&self, hash: B256) -> Result<Option<(Transaction, Place, StoredBlock)>, StateError> {
        let Some(place) = self.place(hash)? else { return Ok(None) };
        let Some(block) = self.block(place.height)? else { return Ok(None) };
        let transaction = block.block.block.body.transactions.get(place.index).cloned();
        Ok(transaction.map(|transaction| (transaction, place, block)))
    }

    /// A transaction's receipt, and where it is.
    pub fn receipt(&self, hash: B256) -> Result<Option<(Receipt, Place)>, StateError> {
        let Some(place) = self.place(hash)? else { return Ok(None) };
        let receipts = self.receipts(place.height)?.unwrap_or_default();
        Ok(receipts.into_iter().nth(place.index).map(|receipt| (receipt, place)))
    }

    /// The interpreter as it stood before the transaction at `index` of a final block (behind its last one, all of them
    /// are executed), with a tracer that is off. Needs the state before the block.
    pub fn replay<'a, I>(
        &'a self,
        block: &RecoveredBlock,
        index: usize,
        inspector: I,
    ) -> Result<Session<'a, super::StateView, I>, BlockError>
    where
        I: revm::Inspector<
                <alloy_evm::EthEvmFactory as alloy_evm::EvmFactory>::Context<crate::state::Overlay<super::StateView>>,
            >,
    {
        let header = block.header();
        let state = self.state_at(header.number.saturating_sub(1))?;
        let mut session = Session::begin_with(&self.spec, header, &block.preamble, state, inspector)?;
        let transactions = block.block.body.transactions.iter().zip(&block.senders);
        for (at, (transaction, sender)) in transactions.take(index).enumerate() {
            if let Err(source) = session.transact(transaction, *sender)? {
                return Err(BlockError::Transaction { index: at, hash: *transaction.tx_hash(), source });
            }
        }
        Ok(session)
    }
}
