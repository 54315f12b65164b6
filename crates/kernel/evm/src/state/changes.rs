//! What a block changes of the state.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256};
use revm::state::AccountInfo;

use super::Account;

/// All changes of a block, with what was before.
#[derive(Debug, Clone, Default)]
pub struct StateChanges {
    /// By address. Only accounts of which something differs.
    pub accounts: BTreeMap<Address, AccountChange>,
    /// Code deployed, by hash.
    pub codes: BTreeMap<B256, Bytes>,
}

/// What changed of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountChange {
    /// The account before the block.
    pub before: Option<Account>,
    /// The account after it; its storage root is set when the state root is computed.
    pub after: Option<Account>,
    /// Whether its storage went as a whole, before any of `storage` was written.
    pub wiped: bool,
    /// Slots that changed: before and after. If the storage was wiped, all that were are here.
    pub storage: BTreeMap<U256, (U256, U256)>,
}

impl StateChanges {
    /// How many accounts and slots changed.
    pub fn len(&self) -> usize {
        self.accounts.values().map(|change| 1 + change.storage.len()).sum()
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }
}

/// An account without code and storage root as the interpreter has it.
pub(crate) fn to_info(account: &Account) -> AccountInfo {
    AccountInfo {
        balance: account.balance,
        nonce: account.nonce,
        code_hash: account.code_hash,
        code: None,
        ..AccountInfo::default()
    }
}
