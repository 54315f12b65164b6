//! The ledger as a node has it: the pool of transactions that wait for a block, and what brings them there.
//!
//! Blocks and their execution are `weft-evm`'s, agreement on them is `weft-consensus`'s; this crate wires the two to the
//! overlay and to users.
//!
//! # Concepts
//! - The [**pool**](pool) holds what was accepted and is in no block yet. Nothing leaves it silently.

pub mod dev;
pub mod genesis;
pub mod mempool;
pub mod handle;
pub mod pool;
pub mod replica;
pub mod runner;
