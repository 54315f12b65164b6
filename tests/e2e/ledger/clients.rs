//! Ethereum's real clients: `tests/ethereum` and the contracts' own walk, over four validators.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use super::chain::Ledger;
use super::{payers, urls};
use crate::scene::{quiet, say, weft_binary};

/// Seven clients, and the walk.
const KEYS: u64 = 8;

/// Each client ends within five minutes or is ended; two run at once on this many cores.
const LONGEST: Duration = Duration::from_secs(20 * 60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ethereums_tools_use_four_validators() -> Result<()> {
    let _turn = quiet().await;
    let payers = payers(KEYS);
    let ledger = Ledger::of(4, &payers).await?;
    let urls = urls(&ledger).await?;
    let keys: Vec<String> = payers.iter().map(super::payer::Payer::secret).collect();
    let begun = Instant::now();

    let mut clients = Command::new("node");
    clients.arg("run.mjs").current_dir(workspace().join("tests/ethereum"));
    clients.env("WEFT_RPC", urls.join(",")).env("WEFT_KEYS", keys[..7].join(","));
    clients.env("WEFT_PYTHON", python()?);
    let (succeeded, told) = run(&mut clients).await?;
    for line in
        told.lines().filter(|line| line.starts_with("FAIL") || line.starts_with('#') || line.contains(" passed, "))
    {
        say(line);
    }
    ensure!(succeeded, "a client failed:\n{told}");

    let mut walk = Command::new("node");
    walk.arg("scripts/walk.mjs").current_dir(workspace().join("contracts"));
    walk.env("WALK_RPC_URL", &urls[1]).env("WALK_KEY", &keys[7]);
    let (succeeded, told) = run(&mut walk).await?;
    ensure!(succeeded, "the walk through the contracts failed:\n{told}");
    say(format!(
        "the contracts' own walk passes too; {:.0} s in all, height {}",
        begun.elapsed().as_secs_f32(),
        ledger.agree().await?
    ));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prague_is_as_anvil_has_it() -> Result<()> {
    let _turn = quiet().await;
    let mut compared = Command::new("node");
    compared.arg("prague.mjs").current_dir(workspace().join("tests/ethereum")).env("WEFT_BIN", weft_binary().await?);
    let (succeeded, told) = run(&mut compared).await?;
    ensure!(succeeded, "they differ:\n{told}");
    say(told.lines().rfind(|line| line.starts_with("prague:")).unwrap_or_default());
    Ok(())
}

async fn run(command: &mut Command) -> Result<(bool, String)> {
    let running = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let output =
        tokio::time::timeout(LONGEST, running).await.context("it does not end")?.context("it does not start")?;
    let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Ok((output.status.success(), told))
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// The Python that `make test` has put beside what it builds.
fn python() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let python =
        program.ancestors().nth(3).context("a test stands in a target folder")?.join("ethereum-python/bin/python");
    ensure!(python.exists(), "{} is not there: `make test` makes it", python.display());
    Ok(python)
}
