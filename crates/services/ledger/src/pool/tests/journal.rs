//! What is on disk comes back.

use std::sync::Arc;

use alloy_primitives::keccak256;
use weft_store::{Batch, Durability, MemoryStore, Store};

use super::*;
use crate::pool::journal::{Journal, RestoreError, Row, RowError, TABLE};

fn rows(store: &dyn Store) -> usize {
    store.scan(TABLE, b"", None, usize::MAX).unwrap().len()
}

#[test]
fn what_was_accepted_outlives_a_restart() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let journal = Journal::new(store.clone());
    let mut pool = Pool::new(Limits::default(), 7);
    let mut added = Vec::new();
    // A long row whose head is replaced last, and so comes last.
    for nonce in 0..200 {
        added.push(insert(&mut pool, Tx::new(1, nonce)).unwrap().tx);
    }
    added.push(insert(&mut pool, Tx::new(2, 0)).unwrap().tx);
    added.push(insert(&mut pool, Tx::new(1, 0).pays(20, 200)).unwrap().tx);
    added.push(insert(&mut pool, Tx::new(3, 0)).unwrap().tx);
    journal.acknowledge(&added, &pool.drain_outcomes()).unwrap();
    assert_eq!(rows(&*store), 202);
    let order: Vec<B256> = pool.best(7).map(|tx| tx.hash()).collect();

    let mut again = Pool::new(Limits::default(), 7);
    let restored = journal.restore(NOW, &mut again, &rules(), &World::default()).unwrap();
    assert_eq!((restored.kept, restored.dropped.len()), (202, 0));
    assert_eq!(again.best(7).map(|tx| tx.hash()).collect::<Vec<_>>(), order, "price, then arrival");
    let late = insert(&mut again, Tx::new(4, 0)).unwrap().tx;
    assert_eq!(late.arrival(), 203, "later than all before the restart");
    again.assert_sound();

    // Meanwhile two of sender 1 went into a block, and 3 lost all it had.
    let world = World::default()
        .with(1, AccountState { nonce: 2, balance: RICH, ..AccountState::default() })
        .with(3, AccountState::default());
    let mut third = Pool::new(Limits::default(), 7);
    let restored = journal.restore(NOW, &mut third, &rules(), &world).unwrap();
    assert_eq!((restored.kept, restored.dropped.len()), (199, 3));
    let why: Vec<String> = restored.dropped.iter().map(|(_, error)| error.to_string()).collect();
    assert_eq!(why.iter().filter(|why| why.starts_with("nonce too low")).count(), 2);
    assert_eq!(why.iter().filter(|why| why.starts_with("insufficient funds")).count(), 1);
    assert_eq!(rows(&*store), 199);

    // What left is noted.
    let hash = late.hash();
    journal.note(&[late], &[]).unwrap();
    assert_eq!(rows(&*store), 200);
    again.drain_outcomes();
    again.remove(hash, DropReason::NotStored);
    journal.note(&[], &again.drain_outcomes()).unwrap();
    assert_eq!(rows(&*store), 199);
}

#[test]
fn damaged_rows_are_reported_and_go() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let journal = Journal::new(store.clone());
    let mut pool = Pool::new(Limits::default(), 7);
    let tx = insert(&mut pool, Tx::new(1, 0)).unwrap().tx;
    let good = Row::of(&tx).encode();
    let mut newer = good.clone();
    newer[0] = 9;
    let batch = Batch::new()
        .put(TABLE, [1; 32], newer)
        .put(TABLE, [2; 32], &good[..40])
        .put(TABLE, [3; 32], good.clone())
        .put(TABLE, [4; 3], good.clone());
    store.commit(batch, Durability::Sync).unwrap();
    let mut again = Pool::new(Limits::default(), 7);
    let restored = journal.restore(NOW, &mut again, &rules(), &World::default()).unwrap();
    assert_eq!(restored.kept, 0);
    assert_eq!(restored.dropped.len(), 4);
    let first = &restored.dropped[0];
    assert!(
        matches!(first, (hash, RestoreError::Row(RowError::Version(9))) if *hash == B256::repeat_byte(1)),
        "{first:?}"
    );
    assert_eq!(rows(&*store), 0);
}

/// The rows' format stands: whoever changes it changes its version, and reads the old one.
#[test]
fn the_format_of_a_row_is_frozen() {
    let row = Row { arrival: 0x0102_0304, transaction: Tx::new(1, 3).pays(5, 50).value(9).data(20).recovered() };
    let bytes = row.encode();
    assert_eq!(Row::decode(&bytes).unwrap(), row);
    assert_eq!(keccak256(&bytes).to_string(), "0x9c26658c8b8ed6440b684430178137cffee8cb5ba2d89e8578b638f41085cc7d");
    for cut in 0..bytes.len() {
        assert!(Row::decode(&bytes[..cut]).is_err());
    }
}
