//! Ethereum's tests of JSON-RPC: unpacked once beside the build, their chain imported, their exchanges read.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use alloy_primitives::Bytes;
use alloy_rlp::Decodable;
use weft_evm::{Block, Chain, ChainOptions, Genesis, Preamble, RecoveredBlock, recover_senders};
use weft_store::MemoryStore;

const ARCHIVE: &str = "execution-apis-rpc-tests-033ca6e6";
const ORIGIN: &str = "github.com/ethereum/execution-apis at 033ca6e6, folder tests";

/// The folder with the unpacked files.
pub(crate) fn folder() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(3).unwrap();
    let archive = workspace.join("../shared/fixtures/ethereum").join(format!("{ARCHIVE}.tar.xz"));
    assert!(
        archive.is_file(),
        "there is no {}: it is a shared fixture of the project ({ORIGIN}), and without it this test would show nothing",
        archive.display()
    );
    // The build folder, wherever it is: the test program lies in it.
    let program = std::env::current_exe().unwrap();
    let target = program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file()).unwrap();
    let folder = target.join("fixtures").join(ARCHIVE);
    if !folder.is_dir() {
        // Unpacked elsewhere and renamed, so that what is there is whole.
        let fresh = target.join(format!("fixtures/unpacking-{ARCHIVE}-{}", std::process::id()));
        std::fs::create_dir_all(&fresh).unwrap();
        let done = Command::new("tar").arg("-xJf").arg(&archive).arg("-C").arg(&fresh).status().unwrap();
        assert!(done.success(), "tar cannot unpack {}", archive.display());
        if std::fs::rename(&fresh, &folder).is_err() {
            assert!(folder.is_dir(), "cannot keep the unpacked tests at {}", folder.display());
            std::fs::remove_dir_all(&fresh).unwrap();
        }
    }
    folder.join("tests")
}

/// The chain that the tests ask about, imported block by block.
pub(crate) fn chain() -> Chain {
    let folder = folder();
    let genesis = Genesis::from_json(&std::fs::read(folder.join("genesis.json")).unwrap()).unwrap();
    let chain = Chain::open(Arc::new(MemoryStore::default()), &genesis, ChainOptions::default()).unwrap();
    let file = std::fs::read(folder.join("chain.rlp")).unwrap();
    let mut rest = &file[..];
    while !rest.is_empty() {
        let block = Block::decode(&mut rest).unwrap();
        if block.header.number == 0 {
            continue;
        }
        let senders = recover_senders(chain.spec(), &block.body.transactions, std::num::NonZero::<usize>::MIN).unwrap();
        let executed = chain.execute(Arc::new(RecoveredBlock::new(block, senders, Preamble::default()))).unwrap();
        chain.commit(executed.hash(), Bytes::new()).unwrap();
    }
    chain
}

/// A file of the tests: requests, each with its answer.
#[derive(Debug)]
pub(crate) struct Case {
    /// `method/file`.
    pub(crate) name: String,
    /// Of the answer only the shape is said.
    pub(crate) shape_only: bool,
    pub(crate) exchanges: Vec<(String, serde_json::Value)>,
}

/// All of them, in order.
pub(crate) fn cases() -> Vec<Case> {
    let mut files = Vec::new();
    for folder in std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        files.extend(std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()));
    }
    files.retain(|file| file.extension().is_some_and(|extension| extension == "io"));
    files.sort();
    files.iter().map(|file| case(file)).collect()
}

fn case(file: &Path) -> Case {
    let text = std::fs::read_to_string(file).unwrap();
    let mut case = Case { name: name(file), shape_only: false, exchanges: Vec::new() };
    let mut asked = None;
    for line in text.lines() {
        match line.split_at_checked(2) {
            Some(("//", comment)) => case.shape_only |= comment.contains("speconly:"),
            Some((">>", request)) => asked = Some(request.trim().to_owned()),
            Some(("<<", answer)) => {
                let answer = serde_json::from_str(answer).unwrap();
                case.exchanges.push((asked.take().expect("an answer follows a request"), answer));
            }
            _ => assert!(line.trim().is_empty(), "{}: {line}", case.name),
        }
    }
    assert!(!case.exchanges.is_empty() && asked.is_none(), "{}", case.name);
    case
}

fn name(file: &Path) -> String {
    let part = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    format!("{}/{}", part(file.parent().unwrap()), part(file))
}
