//! The bodies of the fuzz targets, one module a crate, one function a target.

pub mod bittorrent;
pub mod consensus;
pub mod faucet;
pub mod gossip;
pub mod identity;
pub mod ledger;
pub mod peer;
pub mod rpc;
pub mod sync;
