//! (being laid)

pub mod bencode;
pub mod id;
