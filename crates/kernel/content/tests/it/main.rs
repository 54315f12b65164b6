//! Engines over real sockets on loopback, real files, a tracker of the tests' own.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a test that skips says so, and figures are shown")]

mod basics;
mod disk;
mod links;
mod pieces;
mod policy;
mod reader;
mod restart;
mod world;
