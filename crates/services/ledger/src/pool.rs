//! Transactions that were accepted and are in no block yet.
//!
//! A state machine without input and output of its own: transactions, blocks and times go in, what to build blocks of and
//! what became of each transaction come out. Its owner holds it behind a lock, recovers senders before
//! ([`senders`]), writes what was accepted to disk before it says so ([`journal`]), and carries messages of peers
//! ([`gossip`]).
//!
//! ```
//! # use std::time::Duration;
//! # use alloy_consensus::{SignableTransaction, TxEip1559};
//! # use alloy_primitives::{Address, Signature, U256};
//! use weft_evm::{ChainSpec, Recovered, Rules as Kind, fork_by_name};
//! use weft_ledger::pool::{AccountState, Accounts, AdmissionError, Limits, Pool, Rules};
//!
//! // Everybody has a thousand wei here; in a node this is the newest state.
//! struct Rich;
//! impl Accounts for Rich {
//!     fn account(&self, _: Address) -> Result<AccountState, weft_evm::StateError> {
//!         Ok(AccountState { balance: U256::from(1_000_000), ..AccountState::default() })
//!     }
//! }
//!
//! let spec = ChainSpec::at_fork(7, Kind::Weft, fork_by_name("prague").expect("a fork"));
//! let rules = Rules::at(&spec, 1, 0, 30_000_000);
//! let mut pool = Pool::new(Limits::default(), 7);
//! # let transaction = |nonce| {
//! #     let tx = TxEip1559 { chain_id: 7, nonce, gas_limit: 21_000, max_fee_per_gas: 20, max_priority_fee_per_gas: 1,
//! #         to: Address::ZERO.into(), ..TxEip1559::default() };
//! #     Recovered::new_unchecked(tx.into_signed(Signature::test_signature()).into(), Address::repeat_byte(1))
//! # };
//!
//! // Checked without the lock, inserted with it.
//! let candidate = rules.check(transaction(0))?;
//! let inserted = pool.insert(Duration::ZERO, candidate.clone(), &Rich)?;
//! assert!(inserted.pending);
//! assert!(matches!(pool.insert(Duration::ZERO, candidate, &Rich), Err(AdmissionError::AlreadyKnown)));
//! assert_eq!(pool.pending_nonce(inserted.tx.sender(), &Rich)?, 1);
//!
//! // At a base fee of 7 it is what the next block is made of; at 21 it waits.
//! assert_eq!(pool.best(7).count(), 1);
//! assert_eq!(pool.best(21).count(), 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Concepts
//! - **Pending** are those that can be executed now: nonces in a row from their account's, all paid for by its balance.
//!   The others are **queued**: a nonce before them is missing, or balance.
//! - **Worth**: a transaction counts as much as the least paying one up to it in its sender's row. When the pool is full
//!   the least worthy last one of a row goes, queued ones before pending ones.
//! - **Outcomes**: each accepted transaction is in the pool or has exactly one [`Outcome`]: in a block, replaced, dropped
//!   with the reason.

mod account;
mod best;
mod check;
mod error;
pub mod gossip;
pub mod journal;
mod line;
mod machine;
mod outcome;
pub mod senders;
#[cfg(test)]
mod tests;
mod transaction;
mod update;
mod view;
mod worst;

pub use account::{AccountState, Accounts, SenderCode, StateAccounts};
pub use best::{Best, Budget, Candidates};
pub use check::Rules;
pub use error::AdmissionError;
pub use machine::{Inserted, Limits, Pool};
pub use outcome::{DropReason, Fate, Outcome, Totals};
pub use transaction::{Candidate, PoolTransaction, Price};
pub use update::BlockUpdate;
pub use view::{SenderContent, Status};
