//! Real input that every machine with a Rust toolchain has, seeded random bytes, and the comparison of trees.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

use crate::command::run;

/// A file must have this many bytes to count as a big one.
pub const BIG: u64 = 100_000_000;

/// The smallest of the toolchain's own library files with more than 100 MB: the compiler itself.
pub fn toolchain_file() -> Result<PathBuf> {
    let sysroot =
        run("rustc", &["--print", "sysroot"]).context("no Rust toolchain: its library files are the input")?;
    let folder = Path::new(sysroot.trim()).join("lib");
    let mut big = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        let meta = fs::metadata(entry.path())?;
        if meta.is_file() && meta.len() >= BIG {
            big.push((meta.len(), entry.path()));
        }
    }
    big.sort();
    let found = big.into_iter().next().map(|(_, path)| path);
    found.with_context(|| format!("{} holds no file of more than 100 MB; give a file yourself", folder.display()))
}

/// Copies real source trees out of cargo's registry into `to` until it holds at least `files` files; returns how many.
/// The crates are taken in the order of their names, so the same machine gives the same tree.
pub fn source_tree(to: &Path, files: usize) -> Result<usize> {
    let mut crates = Vec::new();
    let registry = cargo_home().context("neither CARGO_HOME nor HOME is set")?.join("registry/src");
    for index in fs::read_dir(&registry).with_context(|| format!("{} is not there: build once", registry.display()))? {
        for package in fs::read_dir(index?.path())? {
            crates.push(package?.path());
        }
    }
    crates.sort();
    let mut copied = 0;
    for package in crates {
        if copied >= files {
            return Ok(copied);
        }
        if let Some(name) = package.file_name() {
            copied += copy_tree(&package, &to.join(name))?;
        }
    }
    if copied < files {
        bail!("cargo's registry holds {copied} source files, {files} are needed: build the workspace once");
    }
    Ok(copied)
}

fn cargo_home() -> Option<PathBuf> {
    std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")))
}

/// Copies a folder's plain files; returns how many.
pub fn copy_tree(from: &Path, to: &Path) -> Result<usize> {
    fs::create_dir_all(to)?;
    let mut copied = 0;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copied += copy_tree(&entry.path(), &target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), target)?;
            copied += 1;
        }
    }
    Ok(copied)
}

/// Writes `length` random bytes that `seed` determines.
pub fn random_file(path: &Path, length: u64, seed: u64) -> Result<()> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut block = vec![0; 1 << 20];
    let mut left = length;
    while left > 0 {
        let now = left.min(block.len() as u64) as usize;
        random.fill_bytes(&mut block[..now]);
        file.write_all(&block[..now])?;
        left -= now as u64;
    }
    file.flush().with_context(|| format!("cannot write {}", path.display()))
}

/// Writes `files` files of 1 KiB to 256 KiB in twenty folders, all determined by `seed`.
pub fn random_tree(folder: &Path, files: usize, seed: u64) -> Result<()> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    for number in 0..files {
        let place = folder.join(format!("d{:02}", number % 20));
        fs::create_dir_all(&place)?;
        let length = 1024 + u64::from(random.next_u32()) % (255 * 1024);
        random_file(&place.join(format!("f{number:05}.bin")), length, random.next_u64())?;
    }
    Ok(())
}

/// The SHA-256 of a file.
pub fn file_digest(path: &Path) -> io::Result<[u8; 32]> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut block = vec![0; 1 << 18];
    loop {
        match file.read(&mut block)? {
            0 => return Ok(hash.finalize().into()),
            n => hash.update(&block[..n]),
        }
    }
}

/// What a file or a folder holds: each plain file's path below it, length and SHA-256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeDigest {
    files: BTreeMap<PathBuf, (u64, [u8; 32])>,
}

impl TreeDigest {
    /// Reads all of `path`. A single file stands under the empty path.
    pub fn of(path: &Path) -> Result<Self> {
        let mut files = BTreeMap::new();
        collect(path, Path::new(""), &mut files).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(TreeDigest { files })
    }

    /// How many files.
    pub fn files(&self) -> usize {
        self.files.len()
    }

    /// How many bytes.
    pub fn bytes(&self) -> u64 {
        self.files.values().map(|(length, _)| length).sum()
    }

    /// What `other` lacks, has beside or has with other bytes; empty if both are the same.
    pub fn differences(&self, other: &TreeDigest) -> Vec<String> {
        let mut found = Vec::new();
        for (path, mine) in &self.files {
            match other.files.get(path) {
                None => found.push(format!("{} is missing", path.display())),
                Some(theirs) if theirs != mine => found.push(format!("{} differs", path.display())),
                Some(_) => {}
            }
        }
        let beside = other.files.keys().filter(|path| !self.files.contains_key(*path));
        found.extend(beside.map(|path| format!("{} is too much", path.display())));
        found
    }
}

impl fmt::Display for TreeDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = Sha256::new();
        for (path, (length, digest)) in &self.files {
            all.update(path.as_os_str().as_encoded_bytes());
            all.update(length.to_be_bytes());
            all.update(digest);
        }
        write!(f, "{}", hex::encode(&all.finalize()[..8]))
    }
}

fn collect(path: &Path, below: &Path, files: &mut BTreeMap<PathBuf, (u64, [u8; 32])>) -> io::Result<()> {
    let meta = fs::metadata(path)?;
    if meta.is_file() {
        files.insert(below.to_owned(), (meta.len(), file_digest(path)?));
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        collect(&entry.path(), &below.join(entry.file_name()), files)?;
    }
    Ok(())
}

/// Bytes that may still be written at `path`.
pub fn free_space(path: &Path) -> Result<u64> {
    let stat = rustix::fs::statvfs(path).with_context(|| format!("cannot look at {}", path.display()))?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Fails with the first few differences unless both places hold the same bytes.
pub fn same(original: &Path, copy: &Path) -> Result<TreeDigest> {
    let (left, right) = (TreeDigest::of(original)?, TreeDigest::of(copy)?);
    let found = left.differences(&right);
    if !found.is_empty() {
        bail!(
            "{} is not the same as {}: {} ({} differences)",
            copy.display(),
            original.display(),
            found[..found.len().min(3)].join(", "),
            found.len()
        );
    }
    Ok(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_differs_by_bytes_names_and_presence() -> Result<()> {
        let here = tempfile::tempdir()?;
        let (a, b) = (here.path().join("a"), here.path().join("b"));
        random_tree(&a, 30, 7)?;
        copy_tree(&a, &b)?;
        assert_eq!(same(&a, &b)?.files(), 30);
        random_file(&b.join("d03/f00003.bin"), 10, 1)?;
        fs::rename(b.join("d04/f00004.bin"), b.join("d04/other.bin"))?;
        let found = TreeDigest::of(&a)?.differences(&TreeDigest::of(&b)?);
        assert_eq!(found, ["d03/f00003.bin differs", "d04/f00004.bin is missing", "d04/other.bin is too much"]);
        assert_ne!(TreeDigest::of(&a)?.to_string(), TreeDigest::of(&b)?.to_string());
        Ok(())
    }

    #[test]
    fn seeded_files_repeat() -> Result<()> {
        let here = tempfile::tempdir()?;
        for (name, seed) in [("a", 1), ("b", 1), ("c", 2)] {
            random_file(&here.path().join(name), 3_000_001, seed)?;
        }
        let digest = |name: &str| file_digest(&here.path().join(name));
        assert_eq!(digest("a")?, digest("b")?);
        assert_ne!(digest("a")?, digest("c")?);
        Ok(())
    }
}
