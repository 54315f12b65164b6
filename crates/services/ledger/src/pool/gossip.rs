//! How transactions get from peer to peer: a hash is announced, what is not known is asked for, one peer at a time.
//!
//! [`message`] is the bytes, [`Gossip`] decides whom to ask and when. Neither has sockets or a clock: the owner hands over
//! messages and times, sends what [`Gossip::poll`] gives, and fetches announcements for a peer
//! ([`Gossip::announcements`]) whenever its stream takes more, so that a slow peer costs no memory.
//!
//! Everything a peer can make grow has a bound with a name here, and what only a peer that is broken or hostile does is
//! counted against it ([`Fault`]); above [`BAN_SCORE`] the owner should part with it.

mod fetch;
pub mod message;
mod recent;

pub use fetch::{BAN_SCORE, Fault, Gossip, GossipStatus, Output, Verdict};
