//! `weft dashboard`: the address at which a browser finds the running node's page.

use std::process::ExitCode;

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::args::Global;
use crate::failure::Result;
use crate::{output, session};

/// Print an address that signs one browser in to the running node's dashboard.
///
/// It works once, within ten minutes, in a browser on this machine. From another machine, bring the port over first:
/// `ssh -L 9338:127.0.0.1:9338 you@here`, then open the address there.
///
/// With --json, {"url", "expires_seconds"}.
#[derive(Debug, Args)]
pub(crate) struct Dashboard {}

#[derive(Debug, Serialize, Deserialize)]
struct LoginAddress {
    url: String,
    expires_seconds: u64,
}

pub(crate) async fn run(global: &Global, _: Dashboard) -> Result<ExitCode> {
    let client = session::running(global)?;
    let address: LoginAddress = client.post("/api/v1/session/links", &json!({})).await?;
    if global.json {
        output::say_json(&address);
    } else {
        output::say(&address.url);
        output::note(format!(
            "Open it in a browser on this machine: it works once, within {} minutes.",
            address.expires_seconds / 60
        ));
    }
    Ok(ExitCode::SUCCESS)
}
