//! The faucet: a node that gives coins of its user's account to those who ask, on test and private networks.
//!
//! [`message`] is the bytes of the stream `ledger-faucet/1`; the book decides who is given, without a clock or a disk;
//! the giver books, signs and submits, one at a time; the link serves peers that ask; asking is the other side.

mod asking;
mod book;
mod giver;
mod link;
pub mod message;
mod record;
mod terms;

#[cfg(test)]
mod tests;

pub(crate) use asking::{NotGiven, Refusals, in_turn};
pub(crate) use giver::{Faucet, OpenFaucetError};
pub(crate) use link::{STREAM, Server};
