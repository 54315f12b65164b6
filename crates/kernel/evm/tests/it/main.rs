//! The crate as its users see it, and Ethereum's own tests run through it.

mod blockchain;
mod blocks;
mod chain;
mod corpus;
mod fixtures;
mod import;
mod prague;
mod snapshot;
mod speed;
mod state;
mod world;

/// A test's result for whoever reads the log: shown whether the test passes or not.
fn say(line: &str) {
    use std::io::Write as _;
    // Not `println!`, which the harness keeps to itself when a test passes.
    let _ = writeln!(std::io::stderr(), "{line}");
}
