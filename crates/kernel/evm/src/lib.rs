//! The ledger's execution: genesis, blocks, the EVM over a state with a Merkle root, history, proofs and snapshots. No
//! network, no clock, no consensus: whoever agrees on blocks hands them in with a certificate that is kept and not read.
//!
//! ```
//! use std::sync::Arc;
//! use weft_evm::{Attributes, Chain, ChainOptions, Genesis, Limits, Preamble, StateReader};
//! use weft_evm::alloy_primitives::{Address, B256, Bytes, U256};
//!
//! // A chain begins with a genesis file as geth's are, and `config.weft`.
//! let json = r#"{
//!     "config": { "chainId": 9338, "weft": { "fork": "prague" } },
//!     "gasLimit": "0x1dcd6500", "difficulty": "0x0",
//!     "extraData": "0x0000000000000000000000000000000000000000000000000000000000000000",
//!     "alloc": { "0x00000000000000000000000000000000000000aa": { "balance": "0x64" } }
//! }"#;
//! let genesis = Genesis::from_json(json.as_bytes())?;
//! let store = Arc::new(weft_store::MemoryStore::default());
//! let chain = Chain::open(store, &genesis, ChainOptions::default())?;
//!
//! // A proposer builds a block of the transactions that wait, here none …
//! let proposer = Address::repeat_byte(1);
//! let extra_data = B256::ZERO;
//! let attributes = Attributes { timestamp: 1, beneficiary: proposer, extra_data, preamble: Preamble::default() };
//! let built = chain.build(attributes, [], Limits::default(), || false)?;
//!
//! // … the others execute it, and when it is agreed all commit it with the certificate.
//! let executed = chain.execute(built.executed.block.clone())?;
//! chain.commit(executed.hash(), Bytes::from_static(b"certificate"))?;
//! assert_eq!(chain.height(), 1);
//!
//! // The state of any height that is kept can be read, and proved to someone who has only the header.
//! let account = Address::with_last_byte(0xaa);
//! assert_eq!(chain.state_at(0)?.account(account)?.unwrap().balance, U256::from(100));
//! let proof = chain.proof(account, &[], 1)?;
//! proof.verify(chain.head().1.state_root)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Concepts
//!
//! - The **rules** ([`ChainSpec`], [`Rules`]) are Ethereum's of a fork named in the genesis, and on a Weft chain some of
//!   its own about the header. Ethereum's own chains can be imported too: its tests are run that way.
//! - A **block** ([`RecoveredBlock`]) is Ethereum's, its senders known, with a [`Preamble`]: what the chain itself does
//!   first. [`execute_block`] checks every field of its header; [`build_block`] makes one and tells each candidate's
//!   [`Outcome`].
//! - A **state** is what a [`StateReader`] reads; an [`Overlay`] over it is what the interpreter writes. Whatever comes of
//!   it are [`StateChanges`], from which the state root follows.
//! - The **chain** ([`Chain`]) keeps blocks, receipts, certificates and the state: flat rows of accounts and slots as they
//!   are at the head, what they were before each block, and the nodes of the tries. A block becomes final in **one batch**
//!   of the store. The tries lag some blocks behind in the store, because they follow from the rows: opening the chain
//!   brings them up and compares the root with the header's.
//! - **Proofs** reach 256 blocks back ([`Chain::proof`]) and are checked without a chain ([`AccountProof::verify`],
//!   [`ItemProof::verify_receipt`]).
//! - A [`snapshot`] is the state at one height in chunks named by their hashes; a chain begun from it has rebuilt the state
//!   root first.
//!
//! # What Weft's Prague leaves out
//!
//! Blob transactions are refused. The system contracts by which Ethereum's two layers speak (EIP-4788, 6110, 7002, 7251)
//! are not called and need not be there; `parentBeaconBlockRoot` has the preamble's commitment and `requestsHash` is that
//! of none. The contract of EIP-2935 is called, and is among the [`predeploy::standard`] ones. `PREVRANDAO` is predictable
//! ([`mix_hash`]).

mod block;
mod build;
mod chain;
mod execute;
mod genesis;
pub mod predeploy;
mod recover;
pub mod snapshot;
mod spec;
mod state;
mod trie;
mod validate;
mod verify;

// Their types are in this crate's interface.
pub use {alloy_consensus, alloy_eips, alloy_evm, alloy_genesis, alloy_hardforks, alloy_primitives, alloy_rlp, revm};

pub use block::{
    Block, Body, Executed, MAX_BLOCK_BYTES, Preamble, Receipt, Recovered, RecoveredBlock, SYSTEM_ADDRESS, SystemCall,
    Transaction,
};
pub use build::{Attributes, Built, Limits, Outcome, SkipReason, build_block, next_header};
pub use chain::{
    AccountProof, Chain, ChainOptions, CommitError, LogEntry, LogFilter, LogsError, MAX_CANDIDATES, MAX_LOG_BLOCKS,
    MAX_LOGS, OpenError, PROOF_BLOCKS, Place, ProofError, SlotProof, StateView, StoredBlock,
};
pub use execute::{Rooted, Session, WeftEvm, execute_alone, execute_block};
pub use genesis::{DEFAULT_MIN_BASE_FEE, Genesis, GenesisError, MAX_GENESIS_BYTES};
pub use recover::{
    DecodeError, MAX_HEADER_BYTES, MAX_RECOVERY_THREADS, MAX_TRANSACTION_BYTES, decode_block, decode_transaction,
    recover, recover_raw, recover_senders,
};
pub use spec::{ChainSpec, Rules, fork_by_name};
pub use state::{Account, AccountChange, MemoryState, Overlay, RootUpdate, StateChanges, StateError, StateReader};
pub use validate::{BlockError, TransactionError, mix_hash};
pub use verify::{ItemProof, MAX_PROOF_BYTES, MAX_PROOF_NODES, VerifyError, prove_receipt, prove_transaction};
