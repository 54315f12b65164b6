//! (being laid)

pub mod addr;
pub mod bencode;
pub mod bitfield;
pub mod block;
pub mod connection;
pub mod create;
pub mod id;
pub mod layout;
pub mod magnet;
pub mod merkle;
pub mod metainfo;
pub mod pex;
pub mod swarm;
pub mod tracker;
pub mod wire;
