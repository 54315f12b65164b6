//! Consensus among Weft's validators: which block comes next, final when it is decided. Tendermint by stake, as a state
//! machine without any input or output of its own: no sockets, no disk, no clock, no global randomness. Messages and
//! times go in; messages, entries of a log and decisions come out. The rules of a round are those of the Malachite core
//! (`arc-malachitebft-core-consensus`); keys, bytes, time, the log and everything a peer can do to a node are ours.
//!
//! ```
//! use std::time::Duration;
//!
//! use weft_consensus::driver::{Config, Driver, Identity, Output};
//! use weft_consensus::types::{Address, BlockHash, ChainId, Height, Validator, ValidatorSet};
//!
//! // A network of one validator. Its key is here for the example; a node's stays with `weft-identity`.
//! let key = ed25519_dalek::SigningKey::from_bytes(&[1; 32]);
//! let address = Address([7; 20]);
//! let set = ValidatorSet::new(vec![Validator { address, public_key: (&key).into(), power: 10 }])?;
//! let chain = ChainId([0xaa; 32]); // the genesis header's hash
//!
//! // Height 1, with an empty log: the node has never run.
//! let mut driver = Driver::new(Config::new(chain), Some(Identity { address, signer: key }));
//! driver.restore(Duration::ZERO, Height(1), set.clone(), &[]);
//!
//! // Carry out what it wants, in order, until the block is decided.
//! let block = BlockHash([9; 32]);
//! let mut log = Vec::new();
//! let certificate = loop {
//!     match driver.poll().expect("a lone validator never waits") {
//!         Output::Persist(entry) => log.push(weft_consensus::codec::encode_wal_entry(&entry)), // and flush
//!         Output::NeedBlock { height, round, .. } => {
//!             driver.propose(Duration::from_millis(3), height, round, block);
//!         }
//!         Output::Decided { certificate } => break certificate,
//!         _ => {} // send, get blocks, help those behind
//!     }
//! };
//!
//! // Anybody who knows the set can see that it is decided.
//! assert_eq!(certificate.block, block);
//! certificate.verify(&chain, &set)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Concepts
//!
//! *Values.* What is decided is a block's hash ([`types::BlockHash`]); blocks travel apart, and each validator executes
//! one before it votes for it. The chain's id is its genesis header's hash and stands in everything signed.
//!
//! *Validators.* A [`types::ValidatorSet`] decides a height; the next may have another. Power is stake; more than two
//! thirds of it decide. Turns go round in proportion to it ([`types::ValidatorSet::proposer`]).
//!
//! *A round*: a proposal, prevotes, precommits. More than two thirds of prevotes for a block are a polka, more than two
//! thirds of precommits a [`certificate::CommitCertificate`]. If a step's time passes, the next round begins.
//!
//! *The driver* ([`driver`]) is one node. A shell gives it messages and time, and carries out its outputs in order:
//! storing [`codec::WalEntry`]s before what they guard, sending, building and checking blocks, storing decided ones.
//!
//! *Evidence* ([`evidence`]): two signed statements of one validator that contradict each other.
//!
//! *Light clients* ([`light`]) follow the chain by headers and certificates alone.
//!
//! # What holds everywhere
//!
//! - **Safety rests on the log.** A node that crashes anywhere and restarts from its log never contradicts what it said.
//!   Where memory and log disagree, it says nothing.
//! - **All input is hostile.** Decoding takes any bytes; whatever a peer can make grow has a named bound; a signature is
//!   checked before anything is kept. The decoders are fuzzed (`fuzz/`), and simulations with crashing, lying and
//!   equivocating nodes run over thousands of seeds (`tests/it`).
//! - **No clock decides anything.** Times are arguments. The Malachite core reads the machine's clock for its own
//!   metrics and for a waiting time that Weft does not use.
//!
//! # Sources
//!
//! The algorithm is that of *The latest gossip on BFT consensus* (Buchman, Kwon, Milosevic; arXiv 1807.04938), with
//! Malachite's certificates for entering rounds. Signatures are Ed25519 (RFC 8032), checked strictly.

pub mod certificate;
pub mod codec;
pub mod driver;
pub mod evidence;
pub mod light;
pub mod signing;
pub mod types;
