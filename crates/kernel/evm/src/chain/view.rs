//! The state at a height.

use std::fmt;
use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, U256};
use revm::bytecode::Bytecode;

use super::shared::{SCAN, Shared, Tip};
use super::tables;
use crate::execute::Rooted;
use crate::state::{Account, RootUpdate, StateChanges, StateError, StateReader, executable, update_root};

/// The state after the block at a height. It stays as it is while the chain goes on, until the height is pruned; reading
/// it then is an error that says so.
#[derive(Clone)]
pub struct StateView {
    shared: Arc<Shared>,
    height: u64,
}

impl fmt::Debug for StateView {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "StateView({})", self.height)
    }
}

impl StateView {
    pub(crate) fn new(shared: Arc<Shared>, height: u64) -> Result<Self, StateError> {
        let view = StateView { shared, height };
        view.check(&view.shared.tip())?;
        Ok(view)
    }

    /// The height.
    pub fn height(&self) -> u64 {
        self.height
    }

    fn check(&self, tip: &Tip) -> Result<(), StateError> {
        let (oldest, newest) = (tip.oldest_state, tip.header.number);
        if (oldest..=newest).contains(&self.height) {
            return Ok(());
        }
        Err(StateError::NotKept { height: self.height, oldest, newest })
    }

    /// Reads a row as it was: what the first change after this height says was before, or what is now.
    fn read<T>(
        &self,
        history: impl Fn() -> Result<Option<T>, StateError>,
        before: impl Fn(&StateChanges) -> Option<T>,
        now: impl Fn(&Tip) -> Result<T, StateError>,
    ) -> Result<T, StateError> {
        loop {
            let tip = self.shared.tip();
            self.check(&tip)?;
            let past = if self.height < tip.header.number { history()? } else { None };
            // A row that is being written is no good: what it was stands in the block that writes it.
            let past = past.or_else(|| tip.committing.as_ref().and_then(|executed| before(&executed.changes)));
            let value = match past {
                Some(value) => value,
                None => now(&tip)?,
            };
            if self.shared.is_current(&tip) {
                return Ok(value);
            }
        }
    }

    /// The first row of a history table with this key after this height.
    fn past(&self, table: weft_store::Table, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        let after = tables::with_height(key, self.height);
        Ok(self.shared.store.scan(table, key, Some(&after), 1)?.pop().map(|(_, row)| row))
    }
}

impl StateReader for StateView {
    fn account(&self, address: Address) -> Result<Option<Account>, StateError> {
        self.read(
            || {
                let row = self.past(tables::ACCOUNT_HISTORY, address.as_slice())?;
                row.map(|row| tables::read_account(&row)).transpose()
            },
            |changes| changes.accounts.get(&address).map(|change| change.before),
            |tip| self.shared.stored_account(tip, address),
        )
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        let key = tables::slot_row(address, slot);
        self.read(
            || {
                let row = self.past(tables::STORAGE_HISTORY, &key)?;
                row.map(|row| tables::read_value(&row)).transpose()
            },
            |changes| Some(changes.accounts.get(&address)?.storage.get(&slot)?.0),
            |tip| self.shared.stored_slot(tip, address, slot),
        )
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        // Code is never removed, so the newest store is right for every height.
        let code = self.shared.store.get(tables::CODE, hash.as_slice())?;
        code.map(Bytes::from).ok_or(StateError::MissingCode { hash })
    }

    fn bytecode(&self, hash: B256) -> Result<Bytecode, StateError> {
        if let Some(code) = self.shared.hot.lock().codes.get(&hash) {
            return Ok(code);
        }
        let code = executable(self.code(hash)?)?;
        self.shared.hot.lock().codes.insert(hash, code.clone());
        Ok(code)
    }

    fn all_storage(&self, address: Address) -> Result<Vec<(U256, U256)>, StateError> {
        let tip = self.shared.tip();
        if self.height != tip.header.number {
            let newest = tip.header.number;
            return Err(StateError::NotKept { height: self.height, oldest: newest, newest });
        }
        let mut all = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let rows = self.shared.store.scan(tables::STORAGE, address.as_slice(), after.as_deref(), SCAN)?;
            let Some((last, _)) = rows.last() else { return Ok(all) };
            after = Some(last.clone());
            for (key, value) in rows {
                let slot = key.get(20..).and_then(U256::try_from_be_slice);
                let slot = slot.ok_or_else(|| StateError::damaged("slot", "its key is no slot"))?;
                all.push((slot, tables::read_value(&value)?));
            }
        }
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        let row = self.shared.store.get(tables::HEADERS, &tables::height_key(number))?;
        row.map_or(Ok(B256::ZERO), |row| Ok(tables::read_header(&row)?.0))
    }
}

/// At the head only, and while nothing is committed.
impl Rooted for StateView {
    fn root_after(&self, changes: &mut StateChanges) -> Result<RootUpdate, StateError> {
        let tip = self.shared.tip();
        let newest = tip.header.number;
        if self.height != newest {
            return Err(StateError::NotKept { height: self.height, oldest: newest, newest });
        }
        update_root(&*self.shared, tip.header.state_root, changes)
    }
}
