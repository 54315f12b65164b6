//! Blocks on their way to a piece.
//!
//! A block's buffer is moved from the connection to here and from here to the job that hashes and writes the piece; its
//! bytes are not copied. Over all torrents the blocks in memory have a bound: above it a torrent writes the blocks of
//! its fullest unfinished piece to disk, unverified, and reads them back for the hash.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sha1::{Digest, Sha1};
use weft_bittorrent::block::BlockBuf;
use weft_bittorrent::wire::BLOCK_LEN;

use crate::storage::{Storage, StorageError};

/// Bytes of blocks in memory, over all torrents.
#[derive(Debug, Default)]
pub(crate) struct PieceMemory {
    bytes: AtomicUsize,
}

impl PieceMemory {
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// A block in memory, counted.
#[derive(Debug)]
struct Counted {
    block: BlockBuf,
    memory: Arc<PieceMemory>,
}

impl Counted {
    fn new(block: BlockBuf, memory: &Arc<PieceMemory>) -> Self {
        // The buffer is a whole block's, however much of it is filled.
        memory.bytes.fetch_add(BLOCK_LEN as usize, Ordering::Relaxed);
        Counted { block, memory: Arc::clone(memory) }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.memory.bytes.fetch_sub(BLOCK_LEN as usize, Ordering::Relaxed);
    }
}

#[derive(Debug, Default)]
enum Slot {
    #[default]
    Empty,
    Memory(Counted),
    /// On disk, unverified.
    Spilled,
}

/// One piece's blocks.
#[derive(Debug)]
pub(crate) struct Assembly {
    slots: Vec<Slot>,
    in_memory: usize,
    /// Jobs that are writing spilled blocks.
    pub(crate) spilling: usize,
    /// A spilled block could not be written.
    pub(crate) failed: bool,
    /// All blocks have come; it waits for `spilling` to be 0.
    pub(crate) complete: bool,
}

impl Assembly {
    pub(crate) fn new(blocks: u32) -> Self {
        let slots = (0..blocks).map(|_| Slot::Empty).collect();
        Assembly { slots, in_memory: 0, spilling: 0, failed: false, complete: false }
    }

    pub(crate) fn put(&mut self, index: u32, block: BlockBuf, memory: &Arc<PieceMemory>) {
        if let Some(slot) = self.slots.get_mut(index as usize) {
            self.in_memory += usize::from(!matches!(slot, Slot::Memory(_)));
            *slot = Slot::Memory(Counted::new(block, memory));
        }
    }

    /// Blocks in memory.
    pub(crate) fn in_memory(&self) -> usize {
        self.in_memory
    }

    /// Takes the blocks in memory out, to be written to disk unverified: runs of neighbours, each with the index of its
    /// first block.
    pub(crate) fn spill(&mut self) -> Spill {
        self.in_memory = 0;
        self.spilling += 1;
        Spill(self.take_runs())
    }

    fn take_runs(&mut self) -> Vec<(u32, Vec<Counted>)> {
        let mut runs: Vec<(u32, Vec<Counted>)> = Vec::new();
        let mut follows = false;
        for (index, slot) in (0u32..).zip(&mut self.slots) {
            let Slot::Memory(_) = slot else {
                follows = false;
                continue;
            };
            let Slot::Memory(block) = std::mem::replace(slot, Slot::Spilled) else { continue };
            match runs.last_mut().filter(|_| follows) {
                Some((_, run)) => run.push(block),
                None => runs.push((index, vec![block])),
            }
            follows = true;
        }
        runs
    }
}

/// Blocks to be written unverified.
pub(crate) struct Spill(Vec<(u32, Vec<Counted>)>);

impl Spill {
    pub(crate) fn write(self, storage: &Storage, piece: u32) -> Result<(), StorageError> {
        for (first, run) in self.0 {
            write_run(storage, piece, first, run)?;
        }
        Ok(())
    }
}

/// What came of a complete piece.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// The hash is right and the data is written. The digest of each block if that was asked for.
    Verified(Vec<[u8; 16]>),
    /// The hash is wrong. The digest of each block, for finding who sent the wrong one; empty if it was not all in memory.
    Wrong(Vec<[u8; 16]>),
    /// It could not be written, or read back.
    Unwritten(StorageError),
}

/// A complete piece on its way to a disk thread.
pub(crate) struct Complete {
    pub(crate) piece: u32,
    assembly: Assembly,
}

impl Complete {
    pub(crate) fn new(piece: u32, assembly: Assembly) -> Self {
        Complete { piece, assembly }
    }

    /// Hashes the piece while it is hot, compares, and writes it with one call where it lies in one file.
    ///
    /// With `digests` those of right blocks are given too.
    pub(crate) fn settle(mut self, storage: &Storage, digests: bool) -> Verdict {
        let hash = match self.hash(storage) {
            Ok(hash) => hash,
            Err(error) => return Verdict::Unwritten(error),
        };
        if storage.info().piece_hash(self.piece) != Some(hash) {
            return Verdict::Wrong(self.digests());
        }
        let digests = if digests { self.digests() } else { Vec::new() };
        for (first, run) in self.assembly.take_runs() {
            if let Err(error) = write_run(storage, self.piece, first, run) {
                return Verdict::Unwritten(error);
            }
        }
        Verdict::Verified(digests)
    }

    fn hash(&self, storage: &Storage) -> Result<[u8; 20], StorageError> {
        let mut hash = Sha1::new();
        let mut buffer = Vec::new();
        for (index, slot) in (0u32..).zip(&self.assembly.slots) {
            match slot {
                Slot::Memory(block) => hash.update(block.block.as_slice()),
                Slot::Spilled | Slot::Empty => {
                    buffer.resize(BLOCK_LEN as usize, 0);
                    let n = storage.read_unverified(self.piece, index * BLOCK_LEN, &mut buffer)?;
                    hash.update(&buffer[..n]);
                }
            }
        }
        Ok(hash.finalize().into())
    }

    /// The first 16 bytes of the SHA-1 of each block.
    fn digests(&self) -> Vec<[u8; 16]> {
        let digest = |slot: &Slot| match slot {
            Slot::Memory(block) => {
                let mut short = [0; 16];
                short.copy_from_slice(&Sha1::digest(block.block.as_slice())[..16]);
                Some(short)
            }
            Slot::Spilled | Slot::Empty => None,
        };
        self.assembly.slots.iter().map(digest).collect::<Option<Vec<_>>>().unwrap_or_default()
    }
}

fn write_run(storage: &Storage, piece: u32, first: u32, run: Vec<Counted>) -> Result<(), StorageError> {
    // References, so that what is counted stays counted until it is written.
    let blocks: Vec<&BlockBuf> = run.iter().map(|counted| &counted.block).collect();
    storage.write(piece, first * BLOCK_LEN, &blocks)
}
