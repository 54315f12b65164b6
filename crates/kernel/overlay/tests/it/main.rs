//! The overlay end to end on loopback: every node has an address of its own in 127/8 and asks nobody outside.

// Measured times are shown with `--nocapture`.
#![allow(clippy::print_stdout)]

mod dht;
mod direct;
mod gossip;
mod hostile;
mod lab;
mod private;
mod relay;
mod shutdown;
mod tcp;
