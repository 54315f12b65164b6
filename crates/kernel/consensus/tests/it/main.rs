//! Networks of drivers simulated in virtual time: real drivers and signatures, scripted links, crashes and liars. Every
//! run is determined by its seed, which a failure prints.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "figures and the failing seed belong in the test's output"
)]

mod block;
mod codec;
mod corpus;
mod faults;
mod light;
mod machine;
mod node;
mod plan;
mod sim;
