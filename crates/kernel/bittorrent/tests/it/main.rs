//! Swarms simulated in virtual time: real machines and connections, scripted links. Every run is determined by its seed,
//! which a failure prints.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "figures and the failing seed belong in the test's output"
)]

mod corpus;
mod hostile;
mod machine;
mod reading;
mod sim;
mod swarms;
