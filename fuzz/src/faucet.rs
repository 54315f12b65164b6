//! The body of the fuzz target `ledger_faucet`; it uses the ledger alone, so that the ledger's own tests can include it.

use weft_ledger::faucet::message::{Answer, REQUEST_BYTES, Request};

/// What a peer that asks a faucet sends, and what a faucet answers: each has one encoding, and an answer's first byte says
/// how long it is.
pub fn ledger_faucet(data: &[u8]) {
    if let Ok(request) = Request::decode(data) {
        assert_eq!((request.encode(), REQUEST_BYTES), (data.to_vec(), data.len()));
    }
    if let Ok(answer) = Answer::decode(data) {
        assert_eq!(answer.encode(), data);
        assert_eq!(Answer::length(data[0]), Ok(data.len()));
    }
}
