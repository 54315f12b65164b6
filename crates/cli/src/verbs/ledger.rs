//! `weft ledger`: the chain this node is on, and the one for developers.

mod abi;
mod chain;
mod dev;
mod faucet;
mod read;
mod rpc;
mod send;
mod verify;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::args::Global;
use crate::failure::Result;

/// A chain of blocks that several peers agree on, and that Ethereum's tools speak with.
#[derive(Debug, Args)]
pub(crate) struct LedgerArgs {
    #[command(subcommand)]
    verb: LedgerVerb,
}

#[derive(Debug, Subcommand)]
enum LedgerVerb {
    /// Make a chain, and run it on this node
    Init(chain::Init),
    /// Get onto a chain
    Join(chain::Join),
    /// Put the chain of this node aside
    Leave,
    /// Show the chain of this node
    Status,
    /// Print what names this node as a validator of a chain to be made
    Candidate,
    /// Print what lets others join
    Ticket,
    /// Print the genesis file
    Genesis,
    /// List the validators
    Validators,
    /// Show what an account has
    Balance(read::Balance),
    /// Send coins, or call a contract, from your account
    Send(send::Send),
    /// Ask the peers of this chain for coins
    Faucet(faucet::Faucet),
    /// Ask a contract without sending anything
    Call(read::Call),
    /// Put a contract on the chain
    Deploy(send::Deploy),
    /// Join the validators, add stake, or leave them
    Stake(send::Stake),
    /// Show a transaction, and how far it is
    Tx(read::Tx),
    /// Show a block
    Block(read::BlockArgs),
    /// List what contracts logged
    Logs(read::Logs),
    /// Print the Merkle proof of an account
    Proof(read::Proof),
    /// Follow a chain without believing the node that is asked
    Verify(verify::Verify),
    /// Run a chain for contract developers in the foreground, until Ctrl-C
    Dev(dev::Dev),
}

pub(crate) async fn run(global: &Global, args: LedgerArgs) -> Result<ExitCode> {
    match args.verb {
        LedgerVerb::Init(args) => chain::init(global, args).await,
        LedgerVerb::Join(args) => chain::join(global, args).await,
        LedgerVerb::Leave => chain::leave(global).await,
        LedgerVerb::Status => chain::status(global).await,
        LedgerVerb::Candidate => chain::candidate(global).await,
        LedgerVerb::Ticket => chain::ticket(global).await,
        LedgerVerb::Genesis => chain::genesis(global).await,
        LedgerVerb::Validators => chain::validators(global).await,
        LedgerVerb::Balance(args) => read::balance(global, args).await,
        LedgerVerb::Send(args) => send::send(global, args).await,
        LedgerVerb::Faucet(args) => faucet::run(global, args).await,
        LedgerVerb::Call(args) => read::call(global, args).await,
        LedgerVerb::Deploy(args) => send::deploy(global, args).await,
        LedgerVerb::Stake(args) => send::stake(global, args).await,
        LedgerVerb::Tx(args) => read::tx(global, args).await,
        LedgerVerb::Block(args) => read::block(global, args).await,
        LedgerVerb::Logs(args) => read::logs(global, args).await,
        LedgerVerb::Proof(args) => read::proof(global, args).await,
        LedgerVerb::Verify(args) => verify::run(global, args).await,
        LedgerVerb::Dev(args) => dev::run(global, args).await,
    }
}
