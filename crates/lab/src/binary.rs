//! The `weft` binary that tests and benchmarks run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Which build of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// What `make demo` and `make test` use.
    Dev,
    /// What people install, and benchmarks measure.
    Release,
}

/// The binary named by `WEFT_BIN`, or else one that cargo has just brought up to date beside the running test.
pub fn weft(build: Build) -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("WEFT_BIN") {
        let path = PathBuf::from(named).canonicalize().context("WEFT_BIN names no file")?;
        return Ok(path);
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut command = Command::new(cargo);
    // The whole workspace: with fewer members cargo settles on other features, and builds dependencies again.
    command.args(["build", "--quiet", "--workspace", "--bin", "weft", "--message-format", "json-render-diagnostics"]);
    if build == Build::Release {
        command.arg("--release");
    }
    let output = command.current_dir(workspace).stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "the `weft` binary does not build");
    let messages = String::from_utf8_lossy(&output.stdout);
    let artifacts = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let built = artifacts.filter_map(|message| Some(PathBuf::from(message["executable"].as_str()?))).next_back();
    built.context("cargo named no executable")
}
