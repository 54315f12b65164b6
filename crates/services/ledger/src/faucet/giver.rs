//! Giving: the book, the wallet and the disk together.

use std::sync::Arc;

use alloy_primitives::{Address, Bytes, KECCAK256_EMPTY, U256};
use parking_lot::Mutex;
use weft_evm::{StateError, StateReader as _};
use weft_overlay::PeerKey;

use super::book::Book;
use super::message::{Answer, Gift, Reason, Refusal};
use super::record::{self, RecordError};
use super::terms::{Terms, TermsError};
use crate::config::LedgerConfig;
use crate::files::{FileError, Folder};
use crate::handle::{Ledger, SubmitError};
use crate::pool::AdmissionError;
use crate::replica::Clock;
use crate::wallet::{Order, SendError, Wallet};

/// 60 s: what kept the faucet from sending is over by then, or is its owner's to mend.
const AFTER_FAILURE: u64 = 60;

/// Why a node that should be a faucet is none.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum OpenFaucetError {
    /// Its settings allow no gift.
    #[error(transparent)]
    Terms(#[from] TermsError),
    /// Its record cannot be read.
    #[error("what the faucet gave before cannot be read")]
    File(#[from] FileError),
    /// Its record is damaged.
    #[error("`ledger/faucet.json` in the data folder is no record of what the faucet gave")]
    Record(#[from] RecordError),
}

impl OpenFaucetError {
    /// What to do about it.
    pub(crate) fn mend(&self) -> &'static str {
        match self {
            OpenFaucetError::Terms(_) => "correct it, or set `ledger.faucet` to false, and start the node again",
            OpenFaucetError::File(_) => "see to the data folder's disk, and start the node again",
            OpenFaucetError::Record(_) => {
                "put back a copy of it, or remove it to begin anew: whoever was given today may then be given once more"
            }
        }
    }
}

/// Why nothing was given.
#[derive(Debug, thiserror::Error)]
enum GiveError {
    #[error("it is refused: {}", .0.reason)]
    Refused(Refusal),
    #[error("the record cannot be written")]
    Encode(#[from] serde_json::Error),
    #[error("the record cannot be kept")]
    Keep(#[from] FileError),
    #[error("the state cannot be read")]
    State(#[from] StateError),
    #[error("the transaction was not sent")]
    Send(#[from] SendError),
}

impl From<Refusal> for GiveError {
    fn from(refusal: Refusal) -> Self {
        GiveError::Refused(refusal)
    }
}

impl From<Reason> for GiveError {
    fn from(reason: Reason) -> Self {
        GiveError::Refused(reason.into())
    }
}

impl GiveError {
    fn refusal(&self) -> Refusal {
        match self {
            GiveError::Refused(refusal) => *refusal,
            // What else of the account's waits in the pool counts there too.
            GiveError::Send(SendError::Submit(SubmitError::Refused(AdmissionError::InsufficientFunds { .. }))) => {
                Reason::Empty.into()
            }
            other => {
                tracing::warn!(error = other as &dyn std::error::Error, "the faucet could not give");
                Refusal { reason: Reason::Failed, again_s: AFTER_FAILURE }
            }
        }
    }
}

/// A faucet that runs.
pub(crate) struct Faucet {
    wallet: Wallet,
    ledger: Ledger,
    folder: Folder,
    clock: Arc<dyn Clock>,
    /// Whether it still gives. Held while it does: two at once must not share what is left of a day, nor a nonce.
    open: Mutex<bool>,
    book: Mutex<Book<PeerKey>>,
}

impl Faucet {
    /// The faucet of a node that is set to be one, with what it gave before; `None` if it is not. It blocks.
    ///
    /// # Errors
    /// [`OpenFaucetError`], if it must not give by what is set or kept.
    pub(crate) fn open(
        config: &LedgerConfig,
        wallet: Wallet,
        ledger: Ledger,
        folder: Folder,
        clock: Arc<dyn Clock>,
    ) -> Result<Option<Arc<Faucet>>, OpenFaucetError> {
        let Some(terms) = Terms::of(config)? else { return Ok(None) };
        let given = match folder.faucet()? {
            Some(record) => record::decode(ledger.chain().genesis_hash(), &record)?,
            None => Vec::new(),
        };
        let book = Mutex::new(Book::new(terms, given));
        Ok(Some(Arc::new(Faucet { wallet, ledger, folder, clock, open: Mutex::new(true), book })))
    }

    /// Its terms.
    pub(crate) fn terms(&self) -> Terms {
        self.book.lock().terms()
    }

    /// Wei given in the last 24 hours.
    pub(crate) fn given_in_a_day(&self) -> U256 {
        self.book.lock().given_in_a_day(self.clock.unix())
    }

    /// Gives to `account` because `peer` asks, or says why not. When it gives, that is booked and the transaction is on
    /// the disk. It blocks.
    pub(crate) fn give(&self, peer: PeerKey, account: Address) -> Answer {
        let open = self.open.lock();
        if !*open {
            return Answer::Refused(Reason::Off.into());
        }
        match self.try_give(peer, account) {
            Ok(gift) => {
                tracing::info!(peer = %peer.short(), %account, hash = %gift.hash, "the faucet gave");
                Answer::Given(gift)
            }
            Err(error) => Answer::Refused(error.refusal()),
        }
    }

    /// Gives no more, and waits until what it gives is given.
    pub(crate) fn close(&self) {
        *self.open.lock() = false;
    }

    fn try_give(&self, peer: PeerKey, account: Address) -> Result<Gift, GiveError> {
        let now = self.clock.unix();
        self.book.lock().check(now, peer, account)?;
        // What it would sign by an old state has a nonce that is used.
        if self.ledger.sync().is_some() {
            return Err(Refusal { reason: Reason::Failed, again_s: AFTER_FAILURE }.into());
        }
        let wei = self.terms().wei;
        self.check_accounts(account, wei)?;
        // Booked before it is sent: who kills the node in between keeps one from coins for a while, and does not have the
        // faucet give twice.
        self.book.lock().add(now, peer, account);
        let order = Order { to: Some(account), value: wei, data: Bytes::new(), gas: None };
        let sent = self.keep().and_then(|()| Ok(self.wallet.send(&self.ledger, order)?));
        match sent {
            Ok(hash) => Ok(Gift { hash, wei }),
            Err(error) => {
                self.book.lock().strike_last();
                if let Err(error) = self.keep() {
                    tracing::warn!(error = &error as &dyn std::error::Error, "what was not given stays in the record");
                }
                Err(error)
            }
        }
    }

    /// Looks at both accounts, as final blocks have them.
    fn check_accounts(&self, account: Address, wei: U256) -> Result<(), GiveError> {
        let state = self.ledger.chain().state();
        let theirs = state.account(account)?.unwrap_or_default();
        // A contract could have the transfer cost as much gas as it likes, at the faucet's expense.
        if theirs.code_hash != KECCAK256_EMPTY {
            return Err(Reason::Contract.into());
        }
        // A faucet is for beginning. Keys are cheap, so an interval alone would let one gather the day's coins.
        if theirs.balance >= wei {
            return Err(Reason::Plenty.into());
        }
        let own = state.account(self.wallet.address())?.unwrap_or_default();
        if own.balance < wei {
            return Err(Reason::Empty.into());
        }
        Ok(())
    }

    fn keep(&self) -> Result<(), GiveError> {
        let record = record::encode(self.ledger.chain().genesis_hash(), self.book.lock().entries())?;
        Ok(self.folder.keep_faucet(&record)?)
    }
}
