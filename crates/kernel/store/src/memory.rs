//! A store that forgets: for tests and for nodes that keep nothing.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use parking_lot::RwLock;

use crate::batch::{Batch, Durability, Op, Table};
use crate::error::{CommitError, ReadError, StoreHealth};
use crate::{Entry, MAX_KEY_BYTES, Store};

type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

/// Tables in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    tables: RwLock<HashMap<Table, Entries>>,
}

impl Store for MemoryStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        Ok(self.tables.read().get(&table).and_then(|table| table.get(key).cloned()))
    }

    fn scan(&self, table: Table, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Entry>, ReadError> {
        let tables = self.tables.read();
        let Some(table) = tables.get(&table) else { return Ok(Vec::new()) };
        let start = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let entries = table.range::<[u8], _>((start, Bound::Unbounded)).take_while(|(key, _)| key.starts_with(prefix));
        Ok(entries.take(limit).map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn commit(&self, batch: Batch, _: Durability) -> Result<(), CommitError> {
        check_keys(&batch)?;
        let mut tables = self.tables.write();
        for op in batch.ops {
            match op {
                Op::Put(table, key, value) => tables.entry(table).or_default().insert(key, value),
                Op::Delete(table, key) => tables.entry(table).or_default().remove(&key),
            };
        }
        Ok(())
    }

    fn health(&self) -> StoreHealth {
        StoreHealth::Ok
    }
}

/// Refuses what the disk would refuse, so that both stores behave alike.
pub(crate) fn check_keys(batch: &Batch) -> Result<(), CommitError> {
    match batch.longest_key() {
        bytes if bytes > MAX_KEY_BYTES => Err(CommitError::KeyLength { bytes }),
        _ if batch.has_empty_key() => Err(CommitError::KeyLength { bytes: 0 }),
        _ => Ok(()),
    }
}
