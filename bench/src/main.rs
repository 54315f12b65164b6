//! Benchmarks beside real peers: one row a subcommand.
//!
//! A row runs Weft and the programs it is compared with in turn, round after round on the same machine, and reports medians
//! and ratios of medians: absolute times mean little on a machine that does other things. The exit status says whether the
//! measurement ran, not whether a goal was met.
#![allow(clippy::print_stdout, clippy::print_stderr)] // A benchmark is a program of its own: its table is its output.

mod figures;
mod files;
mod ledger;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "weft-bench", about = "Benchmarks of Weft beside real peers")]
struct Arguments {
    #[command(subcommand)]
    row: Row,
}

#[derive(Subcommand)]
enum Row {
    /// 1 GiB and 2,000 small files from one peer to another over veth, beside libtorrent and transmission
    Files(files::Options),
    /// ERC-20 transfers and reads: one validator and four beside anvil
    Ledger(ledger::Options),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().row {
        Row::Files(options) => files::run(options).await,
        Row::Ledger(options) => ledger::run(options).await,
    }
}
