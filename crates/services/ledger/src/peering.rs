//! A ledger's peers: what is said to them, what they say, and whom to dial.
//!
//! [`message`] is the bytes of the stream `ledger/1`; [`exchange`] decides what is sent and whom to ask, without sockets
//! or a clock; [`hub`](hub()) is the task that carries it out over the overlay.

mod allowance;
mod book;
mod catch_up;
pub mod exchange;
mod hub;
mod link;
pub mod message;

pub use catch_up::RANGE;
pub use hub::{HubParts, Keep, Peering, STREAM, hub};
pub use message::{Hello, Named};
