//! What is said on the stream `ledger-faucet/1`: one request, one answer, then the stream ends.
//!
//! | | bytes |
//! |---|---|
//! | request | genesis hash 32, account 20 |
//! | given | `0`, transaction hash 32, wei 32 (big-endian) |
//! | refused | the [`Reason`], seconds until it is worth asking again 8 (big-endian; 0: nobody knows) |

use alloy_primitives::{Address, B256, U256};

/// The bytes of a request.
pub const REQUEST_BYTES: usize = 52;

/// The bytes of an answer that gives.
const GIVEN_BYTES: usize = 65;

/// The bytes of an answer that refuses.
const REFUSED_BYTES: usize = 9;

/// The first byte of an answer that gives.
const GIVEN: u8 = 0;

/// Why bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// There are too few of them, or too many.
    #[error("it has {0} bytes, which no message of that kind has")]
    Length(usize),
    /// They begin with what is no kind of answer.
    #[error("{0} is no kind of answer")]
    Kind(u8),
}

/// Whom to give to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// The chain, by the hash of its genesis.
    pub genesis: B256,
    /// The account.
    pub account: Address,
}

impl Request {
    /// As it travels.
    pub fn encode(&self) -> Vec<u8> {
        [self.genesis.as_slice(), self.account.as_slice()].concat()
    }

    /// Reads a request.
    ///
    /// # Errors
    /// [`MessageError`] if there are more or fewer than [`REQUEST_BYTES`].
    pub fn decode(bytes: &[u8]) -> Result<Self, MessageError> {
        let wrong = || MessageError::Length(bytes.len());
        let bytes: &[u8; REQUEST_BYTES] = bytes.try_into().map_err(|_| wrong())?;
        let (genesis, account) = bytes.split_at(32);
        Ok(Request { genesis: B256::from_slice(genesis), account: Address::from_slice(account) })
    }
}

/// Why nothing is given. The number is the byte on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
#[repr(u8)]
#[non_exhaustive]
pub enum Reason {
    /// Who was asked is on another chain, or on none.
    #[error("the peer is on another chain")]
    OtherChain = 1,
    /// It is no faucet.
    #[error("the peer runs no faucet")]
    Off = 2,
    /// The account was given not long ago, or the peer that asks was.
    #[error("the faucet gave to this account, or to this node, not long ago")]
    TooSoon = 3,
    /// All that it gives in a day is given.
    #[error("the faucet has given out what it gives in 24 hours")]
    GivenOut = 4,
    /// Its own account has not enough.
    #[error("the faucet's own account has not enough left")]
    Empty = 5,
    /// The account that is to be given has as much as it would get.
    #[error("the account has no less already than the faucet gives")]
    Plenty = 6,
    /// The account has code.
    #[error("the account is a contract, and the faucet gives to plain accounts alone")]
    Contract = 7,
    /// It would give, and could not.
    #[error("the faucet could not send")]
    Failed = 8,
}

impl Reason {
    const ALL: [Reason; 8] = [
        Reason::OtherChain,
        Reason::Off,
        Reason::TooSoon,
        Reason::GivenOut,
        Reason::Empty,
        Reason::Plenty,
        Reason::Contract,
        Reason::Failed,
    ];

    fn from_byte(byte: u8) -> Option<Reason> {
        Reason::ALL.into_iter().find(|reason| *reason as u8 == byte)
    }
}

/// A refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// Seconds until it is worth asking again; 0 if time alone does not help.
    pub again_s: u64,
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Refusal { reason, again_s: 0 }
    }
}

/// Coins that were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gift {
    /// The transaction that gives them.
    pub hash: B256,
    /// How much, in wei.
    pub wei: U256,
}

/// What a faucet answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It gives.
    Given(Gift),
    /// It does not.
    Refused(Refusal),
}

impl Answer {
    /// As it travels.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Answer::Given(Gift { hash, wei }) => {
                [&[GIVEN], hash.as_slice(), wei.to_be_bytes::<32>().as_slice()].concat()
            }
            Answer::Refused(Refusal { reason, again_s }) => {
                [[*reason as u8].as_slice(), again_s.to_be_bytes().as_slice()].concat()
            }
        }
    }

    /// How many bytes an answer has that begins with `kind`.
    ///
    /// # Errors
    /// [`MessageError::Kind`] if none does.
    pub fn length(kind: u8) -> Result<usize, MessageError> {
        match kind {
            GIVEN => Ok(GIVEN_BYTES),
            kind => Reason::from_byte(kind).map(|_| REFUSED_BYTES).ok_or(MessageError::Kind(kind)),
        }
    }

    /// Reads an answer.
    ///
    /// # Errors
    /// [`MessageError`] if there are bytes too few or too many, or they are of no kind.
    pub fn decode(bytes: &[u8]) -> Result<Self, MessageError> {
        let wrong = || MessageError::Length(bytes.len());
        let (kind, rest) = bytes.split_first().ok_or_else(wrong)?;
        match Reason::from_byte(*kind) {
            None if *kind == GIVEN => {
                let rest: &[u8; GIVEN_BYTES - 1] = rest.try_into().map_err(|_| wrong())?;
                let (hash, wei) = rest.split_at(32);
                Ok(Answer::Given(Gift { hash: B256::from_slice(hash), wei: U256::from_be_slice(wei) }))
            }
            Some(reason) => {
                let seconds: [u8; REFUSED_BYTES - 1] = rest.try_into().map_err(|_| wrong())?;
                Ok(Answer::Refused(Refusal { reason, again_s: u64::from_be_bytes(seconds) }))
            }
            None => Err(MessageError::Kind(*kind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answer() -> impl Strategy<Value = Answer> {
        let given = (any::<[u8; 32]>(), any::<[u8; 32]>())
            .prop_map(|(hash, wei)| Answer::Given(Gift { hash: hash.into(), wei: U256::from_be_bytes(wei) }));
        let refused = (proptest::sample::select(Reason::ALL.to_vec()), any::<u64>())
            .prop_map(|(reason, again_s)| Answer::Refused(Refusal { reason, again_s }));
        prop_oneof![given, refused]
    }

    #[test]
    fn the_bytes_are_those_of_version_1() {
        let request = Request { genesis: B256::repeat_byte(0xaa), account: Address::repeat_byte(0xbb) };
        assert_eq!(request.encode(), [[0xaa; 32].as_slice(), [0xbb; 20].as_slice()].concat());
        let given = Answer::Given(Gift { hash: B256::repeat_byte(7), wei: U256::from(258) });
        assert_eq!(given.encode(), [[0].as_slice(), &[7; 32], &[0; 30], &[1, 2]].concat());
        let refused = Answer::Refused(Refusal { reason: Reason::TooSoon, again_s: 258 });
        assert_eq!(refused.encode(), [3, 0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(Answer::decode(&[9; 9]), Err(MessageError::Kind(9)));
        assert_eq!(Answer::decode(&[]), Err(MessageError::Length(0)));
    }

    proptest! {
        #[test]
        fn a_request_is_read_as_it_was_written(genesis in any::<[u8; 32]>(), account in any::<[u8; 20]>()) {
            let request = Request { genesis: genesis.into(), account: account.into() };
            let bytes = request.encode();
            prop_assert_eq!(bytes.len(), REQUEST_BYTES);
            prop_assert_eq!(Request::decode(&bytes), Ok(request));
        }

        #[test]
        fn an_answer_is_read_as_it_was_written_and_not_cut(answer in answer(), cut in any::<prop::sample::Index>()) {
            let bytes = answer.encode();
            prop_assert_eq!(Answer::length(bytes[0]), Ok(bytes.len()));
            prop_assert_eq!(Answer::decode(&bytes), Ok(answer));
            prop_assert!(Answer::decode(&bytes[..cut.index(bytes.len())]).is_err());
            prop_assert!(Answer::decode(&[bytes.as_slice(), &[0]].concat()).is_err());
        }

        #[test]
        fn any_bytes_are_a_message_or_none(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(request) = Request::decode(&bytes) {
                prop_assert_eq!(request.encode(), bytes.clone());
            }
            if let Ok(answer) = Answer::decode(&bytes) {
                prop_assert_eq!(answer.encode(), bytes);
            }
        }
    }
}
