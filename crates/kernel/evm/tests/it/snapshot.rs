//! A chain begun from a snapshot.

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, U256};
use weft_evm::snapshot::{Import, Manifest, SnapshotError};
use weft_evm::{Chain, OpenError, StateReader};
use weft_store::MemoryStore;

use crate::world::{NOTEBOOK, eager, extend, genesis, note, open, person, transfer};

fn export(chain: &Chain, height: u64) -> (Vec<u8>, Vec<Bytes>) {
    let mut snapshot = chain.snapshot(height).unwrap().chunk_bytes(16 << 10);
    let mut chunks = Vec::new();
    while let Some(chunk) = snapshot.next_chunk().unwrap() {
        chunks.push(chunk);
    }
    (snapshot.manifest().unwrap().encode(), chunks)
}

/// 12,000 slots.
fn source() -> Chain {
    let chain = open(&Arc::new(MemoryStore::default()));
    for block in 0..20u64 {
        let notes = (0..600).map(|at| note(0, block * 600 + at, block * 600 + at, u64::MAX - at)).collect();
        extend(&chain, notes);
    }
    chain
}

#[test]
fn a_chain_begins_from_a_snapshot_and_goes_on() {
    let chain = source();
    let height = chain.height();
    let trusted = chain.head().0;
    // The chain goes on before the snapshot is made: slots go, an account comes.
    for nonce in 12_000..12_003 {
        let gone = note(0, nonce, nonce - 12_000, 0);
        extend(&chain, vec![gone, transfer(1, nonce - 12_000, Address::repeat_byte(8), 5)]);
    }
    let (manifest, chunks) = export(&chain, height);
    assert!(chunks.len() > 8, "an account spans chunks");
    let store = Arc::new(MemoryStore::default());
    let manifest = Manifest::decode(&manifest).unwrap();
    let mut import = Import::begin(store.clone(), &genesis(), manifest, trusted).unwrap();
    while let Some((index, hash)) = import.wanted() {
        let chunk = &chunks[index];
        assert_eq!(alloy_primitives::keccak256(chunk), hash);
        // Until all is there, the store has no chain.
        assert!(matches!(Chain::open(store.clone(), &genesis(), eager()), Err(OpenError::Importing)));
        import.add(index, chunk).unwrap();
    }
    import.finish().unwrap();
    let other = Chain::open(store.clone(), &genesis(), eager()).unwrap();
    assert_eq!(other.head().0, trusted);
    assert_eq!(other.state().storage(NOTEBOOK, U256::ZERO).unwrap(), U256::from(u64::MAX));
    assert!(other.state_at(height - 1).is_err());
    let root = other.head().1.state_root;
    other.proof(NOTEBOOK, &[U256::from(7)], height).unwrap().verify(root).unwrap();
    for next in height + 1..=chain.height() {
        let block = chain.block(next).unwrap().unwrap();
        other.execute(block.block.clone()).unwrap();
        other.commit(block.block.hash, block.certificate).unwrap();
    }
    assert_eq!(other.head().0, chain.head().0);
    assert_eq!(open(&store).head().0, chain.head().0);
    assert!(other.state().account(person(1)).unwrap().is_some());
}

#[test]
fn nothing_of_a_wrong_snapshot_is_taken() {
    let chain = source();
    let trusted = chain.head().0;
    let (manifest, chunks) = export(&chain, chain.height());
    let decode = || Manifest::decode(&manifest).unwrap();
    let begin = |manifest, trusted| Import::begin(Arc::new(MemoryStore::default()), &genesis(), manifest, trusted);
    let error = begin(decode(), B256::repeat_byte(1)).unwrap_err();
    assert!(matches!(error, SnapshotError::OtherBlock { .. }), "{error}");
    let mut foreign = decode();
    foreign.genesis = B256::ZERO;
    assert!(matches!(begin(foreign, trusted).unwrap_err(), SnapshotError::OtherChain { .. }));

    let mut import = begin(decode(), trusted).unwrap();
    let mut wrong = chunks[0].to_vec();
    wrong[500] ^= 1;
    assert!(matches!(import.add(0, &wrong).unwrap_err(), SnapshotError::WrongChunk { index: 0 }));
    assert!(matches!(import.add(1, &chunks[0]).unwrap_err(), SnapshotError::OutOfOrder { expected: 0, found: 1 }));
    import.add(0, &chunks[0]).unwrap();

    // A manifest that names a chunk with one value changed: only the root tells.
    let store = Arc::new(MemoryStore::default());
    let place = chunks[0].windows(8).position(|bytes| bytes == (u64::MAX - 3).to_be_bytes()).unwrap();
    let mut changed = chunks[0].to_vec();
    changed[place + 7] ^= 1;
    let mut forged = decode();
    forged.chunks[0] = alloy_primitives::keccak256(&changed);
    let mut import = Import::begin(store.clone(), &genesis(), forged, trusted).unwrap();
    import.add(0, &changed).unwrap();
    for (index, chunk) in chunks.iter().enumerate().skip(1) {
        import.add(index, chunk).unwrap();
    }
    let error = import.finish().unwrap_err();
    assert!(matches!(error, SnapshotError::WrongRoot { .. }), "{error}");
    assert!(matches!(Chain::open(store.clone(), &genesis(), eager()), Err(OpenError::Importing)));
    // The right one goes into the same store afterwards.
    let mut import = Import::begin(store.clone(), &genesis(), decode(), trusted).unwrap();
    chunks.iter().enumerate().for_each(|(index, chunk)| import.add(index, chunk).unwrap());
    import.finish().unwrap();
    assert_eq!(open(&store).head().0, trusted);

    let mut unlinked = decode();
    unlinked.headers[3].timestamp += 1;
    let error = Manifest::decode(&unlinked.encode()).unwrap_err().to_string();
    assert!(error.contains("does not follow"), "{error}");
    assert!(Manifest::decode(&manifest[..manifest.len() - 1]).is_err());
}
