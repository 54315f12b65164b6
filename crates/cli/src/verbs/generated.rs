//! `weft completions` and `weft man`: made from the same definition as the help.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::Shell;

use crate::failure::{Failure, Result};
use crate::output;

/// Print a completion script for a shell.
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

/// Print the manual page, or write one a verb into a folder.
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// Write weft.1 and one page a verb into this folder
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(crate) fn completions(args: Completions, mut command: Command) -> Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "weft", &mut script);
    output::say_bytes(&script);
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn man(args: Man, command: Command) -> Result<ExitCode> {
    if let Some(dir) = args.dir {
        let written = std::fs::create_dir_all(&dir).and_then(|()| clap_mangen::generate_to(command, &dir));
        written.map_err(|error| Failure::new(format!("cannot write into {}: {error}", dir.display())))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    output::say_bytes(&page);
    Ok(ExitCode::SUCCESS)
}
