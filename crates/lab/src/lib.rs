//! Networks of peers on one machine, for the demo and for tests.
//!
//! Everything here is real: nodes are child processes of the real binary, other clients are the real
//! `transmission-daemon` and libtorrent, addresses are loopback addresses or network namespaces, faults are made with
//! `kill -9`, nft and tc. Nothing leaves the machine.
//!
//! ```no_run
//! use weft_lab::{Lab, LabOptions};
//!
//! # async fn demo() -> anyhow::Result<()> {
//! // What `weft lab` does: five nodes, a file and a folder, the seeder killed half-way, checksums at the end.
//! let (report, _peers) = Lab::run(LabOptions::new("target/debug/weft"), &mut std::io::stdout()).await?;
//! assert!(report.ok());
//! # Ok(())
//! # }
//! ```
//!
//! # Concepts
//! - A [`process::Process`] is a child that never outlives its handle, nor this process.
//! - A [`Peer`] is a Weft node in a folder: configured, started, killed, started again; [`api::Api`] speaks to it.
//! - A [`netns::Netns`] is a network of its own; [`netns::Switch`] joins many, [`nat::Home`] puts one behind a router,
//!   [`shape`] breaks them. These need root; [`netns::refusal`] says so.
//! - [`clients`] are BitTorrent clients of other makers, [`tracker::Tracker`] is where all meet.
//! - [`data`] is real input and its comparison, [`disk`] are small disks to be filled.
//! - [`Lab`] puts it together for `weft lab`; [`report`] is what it says.
//!
//! This crate never prints: who calls it hands in a writer.

pub mod api;
pub mod binary;
pub mod cable;
pub mod clients;
pub mod command;
pub mod data;
pub mod disk;
pub mod http;
pub mod lab;
pub mod nat;
pub mod netns;
pub mod peer;
pub mod process;
pub mod report;
pub mod shape;
pub mod tracker;

pub use lab::{Lab, LabOptions};
pub use peer::{Node, Peer, PeerConfig};
pub use report::LabReport;
