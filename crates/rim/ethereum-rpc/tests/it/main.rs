//! The server as its clients see it: over real sockets.

mod answers;
mod client;
mod compat;
mod corpus;
mod dev;
mod differences;
mod fixtures;
mod refused;
mod subscriptions;

/// A test's result for whoever reads the log: shown whether the test passes or not.
fn say(line: &str) {
    use std::io::Write as _;
    // Not `println!`, which the harness keeps to itself when a test passes.
    let _ = writeln!(std::io::stderr(), "{line}");
}
