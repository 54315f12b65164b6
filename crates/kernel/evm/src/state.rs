//! The state: accounts, their storage, code; what a block changes of it, and the root over it.

mod changes;
mod memory;
mod overlay;
mod root;

use std::fmt::Debug;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_trie::TrieAccount;
use revm::bytecode::Bytecode;
use revm::database_interface::DBErrorMarker;

pub use changes::{AccountChange, StateChanges};
pub use memory::MemoryState;
pub use overlay::Overlay;
pub use root::RootUpdate;
pub(crate) use root::{slot_key, slot_value, update_root};

/// An account as the state trie has it: nonce, balance, root of its storage, hash of its code.
pub type Account = TrieAccount;

/// The state at one height. Reading it gives the same whatever is committed meanwhile.
pub trait StateReader: Debug {
    /// The account at `address`, if there is one.
    fn account(&self, address: Address) -> Result<Option<Account>, StateError>;

    /// A storage slot; zero where nothing is stored.
    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError>;

    /// The code with this hash.
    fn code(&self, hash: B256) -> Result<Bytes, StateError>;

    /// The code with this hash, analysed for execution. Implementations may cache it.
    fn bytecode(&self, hash: B256) -> Result<Bytecode, StateError> {
        executable(self.code(hash)?)
    }

    /// All slots of an account that hold something. Asked only when storage goes as a whole, which no contract deployed
    /// before the block can cause since Cancun (EIP-6780).
    fn all_storage(&self, address: Address) -> Result<Vec<(U256, U256)>, StateError>;

    /// The hash of the block at `number`, for the `BLOCKHASH` instruction: zero if it is not known.
    fn block_hash(&self, number: u64) -> Result<B256, StateError>;
}

impl<S: StateReader + ?Sized> StateReader for &S {
    fn account(&self, address: Address) -> Result<Option<Account>, StateError> {
        (**self).account(address)
    }
    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        (**self).storage(address, slot)
    }
    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        (**self).code(hash)
    }
    fn bytecode(&self, hash: B256) -> Result<Bytecode, StateError> {
        (**self).bytecode(hash)
    }
    fn all_storage(&self, address: Address) -> Result<Vec<(U256, U256)>, StateError> {
        (**self).all_storage(address)
    }
    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        (**self).block_hash(number)
    }
}

/// Code as the interpreter wants it. What looks like a delegation (EIP-7702) and is none was deployed before London.
pub(crate) fn executable(code: Bytes) -> Result<Bytecode, StateError> {
    Ok(Bytecode::new_raw_checked(code.clone()).unwrap_or_else(|_| Bytecode::new_legacy(code)))
}

/// The hash under which the trie has an address.
pub(crate) fn address_key(address: Address) -> B256 {
    keccak256(address)
}

/// Why the state could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The store failed.
    #[error("the ledger's state cannot be read")]
    Store(#[from] weft_store::ReadError),
    /// A row is not what was written.
    #[error("the ledger's state is damaged: a {what} cannot be read ({why}); restore it from a snapshot")]
    Damaged {
        /// What kind of row.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A node of the state trie is missing or not the one its parent names.
    #[error("the ledger's state is damaged: the trie has no right node at {path}; restore it from a snapshot")]
    MissingNode {
        /// Where.
        path: String,
    },
    /// Code that an account names is missing.
    #[error("the ledger's state is damaged: the code {hash} is missing; restore it from a snapshot")]
    MissingCode {
        /// Its hash.
        hash: B256,
    },
    /// The height is not kept any more, or not reached yet.
    #[error("the state at height {height} is not kept; heights {oldest} to {newest} are")]
    NotKept {
        /// The height asked for.
        height: u64,
        /// The oldest height there is.
        oldest: u64,
        /// The newest.
        newest: u64,
    },
}

impl StateError {
    pub(crate) fn damaged(what: &'static str, why: impl ToString) -> Self {
        StateError::Damaged { what, why: why.to_string() }
    }
}

impl DBErrorMarker for StateError {}
