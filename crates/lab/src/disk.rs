//! Small disks: a tmpfs each, to be filled up, made read-only and mended. Needs root.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::command::run;
use crate::data::free_space;

/// A tmpfs; unmounted on drop.
#[derive(Debug)]
pub struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    /// Mounts one of `mib` MiB at `path`, which is made.
    pub fn mount(path: &Path, mib: u64) -> Result<Self> {
        fs::create_dir_all(path)?;
        run("mount", &["-t", "tmpfs", "-o", &format!("size={mib}m"), "tmpfs", &text(path)?])?;
        Ok(SmallDisk { path: path.to_owned() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Fills it until `left` bytes are free.
    pub fn fill(&self, left: u64) -> Result<()> {
        let mut file = File::options().create(true).append(true).open(self.filler())?;
        let block = vec![0xA5; 1 << 16];
        loop {
            let room = free_space(&self.path)?.saturating_sub(left).min(block.len() as u64) as usize;
            match file.write(&block[..room]) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(e) if e.kind() == ErrorKind::StorageFull => return Ok(()),
                Err(e) => return Err(e).context("cannot fill the disk"),
            }
        }
    }

    /// Takes away what [`fill`](SmallDisk::fill) wrote.
    pub fn empty(&self) -> Result<()> {
        fs::remove_file(self.filler()).context("cannot empty the disk")
    }

    /// Makes it read-only, or writable again.
    pub fn read_only(&self, on: bool) -> Result<()> {
        let mode = if on { "remount,ro" } else { "remount,rw" };
        run("mount", &["-o", mode, &text(&self.path)?]).map(drop)
    }

    fn filler(&self) -> PathBuf {
        self.path.join(".filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a process that is being killed may still have files open on it.
        if let Ok(path) = text(&self.path) {
            let _ = run("umount", &["-l", &path]);
        }
    }
}

fn text(path: &Path) -> Result<String> {
    Ok(path.to_str().context("the path is not UTF-8")?.to_owned())
}
