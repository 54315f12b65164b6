//! Ethereum's test files: unpacked once beside the build, and read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use alloy_primitives::{Address, Bytes, U256};
use serde::Deserialize;
use weft_evm::{MemoryState, StateChanges};

/// Ethereum's tests of state and blocks: archive, and where it is from.
pub(crate) const TESTS: (&str, &str) = ("ethereum-tests-4c87ebbf", "github.com/ethereum/tests at 4c87ebbf");

/// Ethereum's tests of JSON-RPC, with the chain that they ask about.
pub(crate) const RPC_TESTS: (&str, &str) =
    ("execution-apis-rpc-tests-033ca6e6", "github.com/ethereum/execution-apis at 033ca6e6, folder tests");

/// The folder with an archive's unpacked files.
pub(crate) fn folder(archive: (&str, &str)) -> PathBuf {
    static UNPACKING: Mutex<()> = Mutex::new(());
    let _one = UNPACKING.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let (name, origin) = archive;
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(3).unwrap();
    let archive = workspace.join("../shared/fixtures/ethereum").join(format!("{name}.tar.xz"));
    assert!(
        archive.is_file(),
        "there is no {}: it is a shared fixture of the project ({origin}), and without it these tests would show nothing",
        archive.display()
    );
    // The build folder, wherever it is: the test program lies in it.
    let program = std::env::current_exe().unwrap();
    let target = program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file()).unwrap();
    let folder = target.join("fixtures").join(name);
    if folder.is_dir() {
        return folder;
    }
    // Unpacked elsewhere and renamed, so that what is there is whole.
    let fresh = target.join(format!("fixtures/unpacking-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&fresh).unwrap();
    let done = Command::new("tar").arg("-xJf").arg(&archive).arg("-C").arg(&fresh).status().unwrap();
    assert!(done.success(), "tar cannot unpack {}", archive.display());
    if std::fs::rename(&fresh, &folder).is_err() {
        assert!(folder.is_dir(), "cannot keep the unpacked tests at {}", folder.display());
        std::fs::remove_dir_all(&fresh).unwrap();
    }
    folder
}

/// All JSON files below a folder of the tests, in order.
pub(crate) fn files(below: &str) -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "json") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&folder(TESTS).join(below), &mut found);
    found.sort();
    found
}

/// Runs `work` over all files on all cores and gives what it gave.
pub(crate) fn over<T: Send>(files: &[PathBuf], work: impl Fn(&Path) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let cores = std::thread::available_parallelism().unwrap().get();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores)
            .map(|_| {
                // Calls nest 1,024 deep, each some kilobytes in this profile.
                std::thread::Builder::new()
                    .stack_size(64 << 20)
                    .spawn_scoped(scope, || {
                        let mut done = Vec::new();
                        while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                            done.push(work(file));
                        }
                        done
                    })
                    .unwrap()
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct PreAccount {
    pub(crate) balance: U256,
    pub(crate) code: Bytes,
    pub(crate) nonce: U256,
    pub(crate) storage: BTreeMap<U256, U256>,
}

/// The state a test begins with.
pub(crate) fn state(pre: &BTreeMap<Address, PreAccount>) -> MemoryState {
    let mut changes = StateChanges::default();
    for (address, account) in pre {
        MemoryState::seed(&mut changes, *address, account.nonce.to(), account.balance, &account.code);
        let change = changes.accounts.get_mut(address).unwrap();
        for (slot, value) in account.storage.iter().filter(|(_, value)| !value.is_zero()) {
            change.storage.insert(*slot, (U256::ZERO, *value));
        }
    }
    let mut state = MemoryState::default();
    state.apply(changes).unwrap();
    state
}
