//! What the pool has to know of an account.

use alloy_primitives::{Address, KECCAK256_EMPTY, U256};
use weft_evm::{Account, StateError, StateReader};

/// What begins the code of an account that delegates (EIP-7702); the address follows.
const DELEGATION: [u8; 3] = [0xef, 0x01, 0x00];

/// 23: bytes of a delegation.
const DELEGATION_LEN: usize = 23;

/// An account that sends transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AccountState {
    /// The nonce of its next transaction.
    pub nonce: u64,
    /// What it has.
    pub balance: U256,
    /// Whether it has code.
    pub code: SenderCode,
}

/// Whether an account has code: contracts send nothing (EIP-3607), delegating accounts do (EIP-7702).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SenderCode {
    /// None.
    #[default]
    None,
    /// The address of a contract to run in its place.
    Delegation,
    /// A contract's.
    Contract,
}

impl AccountState {
    /// The account after a block. Only for an account that sent transactions before: its code can but be a delegation.
    pub fn of_sender(account: Option<&Account>) -> Self {
        let Some(account) = account else { return AccountState::default() };
        let code = if account.code_hash == KECCAK256_EMPTY { SenderCode::None } else { SenderCode::Delegation };
        AccountState { nonce: account.nonce, balance: account.balance, code }
    }
}

/// The accounts after the newest block the pool knows.
pub trait Accounts {
    /// The account at `address`; an empty one if there is none.
    fn account(&self, address: Address) -> Result<AccountState, StateError>;
}

impl<A: Accounts + ?Sized> Accounts for &A {
    fn account(&self, address: Address) -> Result<AccountState, StateError> {
        (**self).account(address)
    }
}

/// The accounts of a state.
#[derive(Debug)]
pub struct StateAccounts<S>(pub S);

impl<S: StateReader> Accounts for StateAccounts<S> {
    fn account(&self, address: Address) -> Result<AccountState, StateError> {
        let Some(account) = self.0.account(address)? else { return Ok(AccountState::default()) };
        let mut state = AccountState::of_sender(Some(&account));
        if state.code == SenderCode::Delegation {
            let code = self.0.code(account.code_hash)?;
            if code.len() != DELEGATION_LEN || !code.starts_with(&DELEGATION) {
                state.code = SenderCode::Contract;
            }
        }
        Ok(state)
    }
}
