//! Changes on top of a state that does not change.

use std::collections::BTreeMap;

use alloy_primitives::map::{AddressMap, B256Map, HashMap, U256Map};
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_trie::{EMPTY_ROOT_HASH, KECCAK_EMPTY};
use revm::bytecode::Bytecode;
use revm::state::AccountInfo;
use revm::{Database, DatabaseCommit};

use super::changes::to_info;
use super::{Account, AccountChange, StateChanges, StateError, StateReader};

/// A state with changes in memory: what the interpreter reads and writes. Drop it and nothing happened.
#[derive(Debug)]
pub struct Overlay<S> {
    base: S,
    accounts: AddressMap<Entry>,
    codes: B256Map<Bytecode>,
    hashes: HashMap<u64, B256>,
    failure: Option<String>,
}

#[derive(Debug, Default)]
struct Entry {
    before: Option<Account>,
    now: Option<AccountInfo>,
    written: bool,
    wiped: bool,
    /// Read or written: before the block, now.
    storage: U256Map<(U256, U256)>,
}

/// EIP-7610: no contract may be created where there is storage, even if there is neither code nor nonce. Only a made-up
/// state has such an account (a Weft genesis with one is refused). The interpreter does not look at the storage, so it is
/// shown an account that it bars itself: with a nonce if the account has a balance; without one, where a nonce would
/// make an empty account look alive, with a zero code hash, which it takes for no code everywhere else.
fn is_barred(account: &Option<Account>) -> bool {
    let bare = |account: &Account| account.nonce == 0 && account.code_hash == KECCAK_EMPTY;
    account.as_ref().is_some_and(|account| bare(account) && account.storage_root != EMPTY_ROOT_HASH)
}

fn bar(info: AccountInfo) -> AccountInfo {
    if info.balance.is_zero() {
        AccountInfo { code_hash: B256::ZERO, ..info }
    } else {
        AccountInfo { nonce: 1, ..info }
    }
}

/// The account behind one that was shown barred.
fn unbar(before: &Option<Account>, info: AccountInfo) -> AccountInfo {
    if !is_barred(before) {
        return info;
    }
    let by_nonce = before.is_some_and(|account| !account.balance.is_zero());
    let nonce = if by_nonce { info.nonce.saturating_sub(1) } else { info.nonce };
    let code_hash = if info.code_hash.is_zero() { KECCAK_EMPTY } else { info.code_hash };
    AccountInfo { nonce, code_hash, ..info }
}

impl<S: StateReader> Overlay<S> {
    /// Nothing changed yet on top of `base`.
    pub fn new(base: S) -> Self {
        Overlay {
            base,
            accounts: AddressMap::default(),
            codes: B256Map::default(),
            hashes: HashMap::default(),
            failure: None,
        }
    }

    /// The state below.
    pub fn base(&self) -> &S {
        &self.base
    }

    fn entry(&mut self, address: Address) -> Result<&mut Entry, StateError> {
        if !self.accounts.contains_key(&address) {
            let before = self.base.account(address)?;
            let barred = |info| if is_barred(&before) { bar(info) } else { info };
            let now = before.as_ref().map(to_info).map(barred);
            self.accounts.insert(address, Entry { before, now, ..Entry::default() });
        }
        Ok(self.accounts.entry(address).or_default())
    }

    /// The account's nonce, balance and code hash as they are now.
    pub fn info(&mut self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        Ok(self.entry(address)?.now.clone())
    }

    /// Adds to a balance (a reward, a withdrawal), making the account if there is none.
    pub fn increment_balance(&mut self, address: Address, amount: u128) -> Result<(), StateError> {
        let entry = self.entry(address)?;
        let info = entry.now.get_or_insert_default();
        info.balance = info.balance.saturating_add(U256::from(amount));
        entry.written = true;
        Ok(())
    }

    /// Replaces an account's nonce, balance and code, as `eth_call`'s state overrides do.
    pub fn set_account(&mut self, address: Address, mut info: AccountInfo) -> Result<(), StateError> {
        if let Some(code) = info.code.take() {
            info.code_hash = code.hash_slow();
            self.codes.insert(info.code_hash, code);
        }
        let entry = self.entry(address)?;
        entry.now = Some(info);
        entry.written = true;
        Ok(())
    }

    /// Sets one slot.
    pub fn set_storage(&mut self, address: Address, slot: U256, value: U256) -> Result<(), StateError> {
        Database::storage(self, address, slot)?;
        let entry = self.entry(address)?;
        entry.storage.entry(slot).or_default().1 = value;
        entry.written = true;
        Ok(())
    }

    /// Forgets all storage of an account (before `set_storage` of what it shall have instead).
    pub fn clear_storage(&mut self, address: Address) -> Result<(), StateError> {
        let entry = self.entry(address)?;
        entry.wiped = true;
        entry.written = true;
        entry.storage.clear();
        Ok(())
    }

    /// All that changed. The storage roots are those of before; the state root's computation sets them.
    pub fn into_changes(self) -> Result<StateChanges, StateError> {
        if let Some(why) = self.failure {
            return Err(StateError::damaged("account", why));
        }
        let mut changes = StateChanges::default();
        for (address, entry) in self.accounts {
            if !entry.written {
                continue;
            }
            let storage_before = entry.before.map_or(EMPTY_ROOT_HASH, |account| account.storage_root);
            // An account without storage has nothing to wipe.
            let wiped = entry.wiped && storage_before != EMPTY_ROOT_HASH;
            let mut storage: BTreeMap<_, _> =
                entry.storage.into_iter().filter(|(_, (before, now))| before != now).collect();
            if wiped {
                for (slot, before) in self.base.all_storage(address)? {
                    storage.entry(slot).or_insert((before, U256::ZERO)).0 = before;
                }
            }
            let after = entry.now.map(|info| unbar(&entry.before, info)).map(|info| Account {
                nonce: info.nonce,
                balance: info.balance,
                storage_root: if wiped { EMPTY_ROOT_HASH } else { storage_before },
                code_hash: info.code_hash,
            });
            let code = after.map(|account| account.code_hash).filter(|hash| *hash != KECCAK_EMPTY);
            if let Some((hash, code)) = code.and_then(|hash| Some((hash, self.codes.get(&hash)?))) {
                changes.codes.insert(hash, Bytes::copy_from_slice(code.original_byte_slice()));
            }
            if entry.before == after && storage.is_empty() && !wiped {
                continue;
            }
            changes.accounts.insert(address, AccountChange { before: entry.before, after, wiped, storage });
        }
        Ok(changes)
    }
}

impl<S: StateReader> Database for Overlay<S> {
    type Error = StateError;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        self.info(address)
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, StateError> {
        if hash == KECCAK_EMPTY || hash.is_zero() {
            return Ok(Bytecode::default());
        }
        if let Some(code) = self.codes.get(&hash) {
            return Ok(code.clone());
        }
        self.base.bytecode(hash)
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, StateError> {
        let entry = self.entry(address)?;
        if let Some((_, now)) = entry.storage.get(&slot) {
            return Ok(*now);
        }
        let empty = entry.wiped || entry.before.is_none_or(|account| account.storage_root == EMPTY_ROOT_HASH);
        let value = if empty { U256::ZERO } else { self.base.storage(address, slot)? };
        self.entry(address)?.storage.insert(slot, (value, value));
        Ok(value)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, StateError> {
        if let Some(hash) = self.hashes.get(&number) {
            return Ok(*hash);
        }
        let hash = self.base.block_hash(number)?;
        self.hashes.insert(number, hash);
        Ok(hash)
    }
}

impl<S: StateReader> DatabaseCommit for Overlay<S> {
    fn commit(&mut self, changes: AddressMap<revm::state::Account>) {
        for (address, account) in changes {
            if !account.is_touched() {
                continue;
            }
            // The interpreter has read every account it touches through `basic`, so this reads nothing; if it did and
            // failed, `into_changes` says so.
            let entry = match self.entry(address) {
                Ok(entry) => entry,
                Err(error) => {
                    self.failure = Some(error.to_string());
                    return;
                }
            };
            entry.written = true;
            if account.is_selfdestructed() {
                entry.now = None;
                entry.wiped = true;
                entry.storage.clear();
                continue;
            }
            if account.is_created() {
                entry.wiped = true;
                entry.storage.clear();
            } else if account.is_empty() {
                // EIP-161. What an account before it would keep is decided by the interpreter, which says "created".
                entry.now = None;
                entry.wiped = true;
                entry.storage.clear();
                continue;
            }
            for (slot, value) in account.changed_storage_slots() {
                entry.storage.entry(*slot).or_insert((value.original_value(), U256::ZERO)).1 = value.present_value();
            }
            let mut info = account.info;
            let code = info.code.take();
            if let Some(code) = code.filter(|code| !code.is_empty() && !self.codes.contains_key(&info.code_hash)) {
                // Code that was only called is known below; keeping it here saves reading it again.
                self.codes.insert(info.code_hash, code);
            }
            if let Some(entry) = self.accounts.get_mut(&address) {
                entry.now = Some(info);
            }
        }
    }
}
