//! Networks of peers on one machine, for the demo and for tests.

pub mod clients;
pub mod data;
pub mod http;
pub mod nat;
pub mod netns;
pub mod process;
pub mod shape;
pub mod tracker;
