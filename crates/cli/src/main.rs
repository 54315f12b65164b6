//! The `weft` command.
//!
//! Each verb group is one file in `verbs/`; verbs speak to a node over its HTTP API and print what it says, for people or,
//! with `--json`, for programs. A verb that needs a node and finds none running either says so or, for `share` and `get`,
//! starts one inside this process.

mod args;
mod client;
mod failure;
mod interrupt;
mod output;
mod progress;
mod prompt;
mod session;
mod shapes;
mod table;
mod units;
mod verbs;

use std::process::ExitCode;

use clap::Parser as _;

use crate::verbs::Cli;

fn main() -> ExitCode {
    // clap ends the process itself with 2 for a usage error, 0 for help.
    let cli = Cli::parse();
    let json = cli.global.json;
    // One of the libraries below asks the process which cryptography to use; a second answer changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let failure = failure::Failure::new(format!("the system gives no threads: {error}"));
            return output::fail(&failure.mend("close other programs, or raise the limit of processes"), json);
        }
    };
    let done = runtime.block_on(verbs::run(cli));
    // Standard input may be read by a thread of the pool for ever: do not wait for it.
    runtime.shutdown_background();
    match done {
        Ok(code) => code,
        Err(failure) => output::fail(&failure, json),
    }
}
