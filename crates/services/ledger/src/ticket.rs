//! What people hand on in text: how to get onto a chain ([`Ticket`]), and who would validate one ([`Candidate`]).
//!
//! Both are `weft:` links of letters, digits, `-` and `_`, so that no shell and no mail program breaks them.

use std::fmt;
use std::str::FromStr;

use alloy_primitives::{Address as Account, B256};
use data_encoding::BASE64URL_NOPAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use weft_overlay::{MAX_ADDRESSES, MAX_RELAYS, PeerAddresses, PeerKey};

use crate::peering::Named;

const TICKET: &str = "weft:ledger/";
const CANDIDATE: &str = "weft:validator/";

/// 4 peers are named in a ticket: one of them will be there.
pub const MAX_PEERS: usize = 4;

/// 8 KiB: longer texts are none of ours.
const MAX_TEXT: usize = 8 << 10;

/// Which chain, and who is on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// EIP-155.
    pub chain_id: u64,
    /// The hash of its genesis.
    pub genesis: B256,
    /// Peers on it, [`MAX_PEERS`] at most.
    pub peers: Vec<Named>,
}

/// A node that would validate: what it takes to name it in a genesis, and to reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its user's account.
    pub account: Account,
    /// Its validator key.
    pub public_key: B256,
    /// Where it is.
    pub node: Named,
}

/// Why a text is neither.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TicketError {
    /// It begins otherwise.
    #[error("it does not begin with `{0}`")]
    Kind(&'static str),
    /// It was cut or changed on its way.
    #[error("it was cut or changed on its way: copy all of it")]
    Damaged,
    /// It was made by a newer Weft.
    #[error("it was made by a newer Weft: update this one")]
    Version,
}

#[derive(Serialize, Deserialize)]
struct WireNode([u8; 32], PeerAddresses);

#[derive(Serialize, Deserialize)]
struct WireTicket(u64, [u8; 32], Vec<WireNode>);

#[derive(Serialize, Deserialize)]
struct WireCandidate([u8; 20], [u8; 32], WireNode);

/// Version, four bytes of a checksum, the rest.
const VERSION: u8 = 1;

fn wrap(prefix: &str, value: &impl Serialize) -> String {
    let body = postcard::to_allocvec(value).unwrap_or_default();
    let mut bytes = vec![VERSION];
    bytes.extend(&alloy_primitives::keccak256(&body)[..4]);
    bytes.extend(body);
    format!("{prefix}{}", BASE64URL_NOPAD.encode(&bytes))
}

fn unwrap<T: DeserializeOwned>(prefix: &'static str, text: &str) -> Result<T, TicketError> {
    let text = text.trim();
    let rest = text.strip_prefix(prefix).ok_or(TicketError::Kind(prefix))?;
    if rest.len() > MAX_TEXT {
        return Err(TicketError::Damaged);
    }
    let bytes = BASE64URL_NOPAD.decode(rest.as_bytes()).map_err(|_| TicketError::Damaged)?;
    match bytes.split_first() {
        Some((&VERSION, rest)) => {
            let (sum, body) = rest.split_first_chunk::<4>().ok_or(TicketError::Damaged)?;
            if alloy_primitives::keccak256(body)[..4] != sum[..] {
                return Err(TicketError::Damaged);
            }
            postcard::from_bytes(body).map_err(|_| TicketError::Damaged)
        }
        Some(_) => Err(TicketError::Version),
        None => Err(TicketError::Damaged),
    }
}

impl WireNode {
    fn of(named: &Named) -> Self {
        let mut addresses = named.addresses.clone();
        addresses.udp.truncate(MAX_ADDRESSES);
        addresses.tcp.truncate(MAX_ADDRESSES);
        addresses.relays.truncate(MAX_RELAYS);
        WireNode(*named.peer.as_bytes(), addresses)
    }

    fn named(self) -> Result<Named, TicketError> {
        let peer = PeerKey::from_bytes(self.0).map_err(|_| TicketError::Damaged)?;
        Ok(Named { peer, addresses: self.1 })
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let peers = self.peers.iter().take(MAX_PEERS).map(WireNode::of).collect();
        f.write_str(&wrap(TICKET, &WireTicket(self.chain_id, self.genesis.0, peers)))
    }
}

impl FromStr for Ticket {
    type Err = TicketError;

    fn from_str(text: &str) -> Result<Self, TicketError> {
        let WireTicket(chain_id, genesis, peers) = unwrap(TICKET, text)?;
        let peers = peers.into_iter().take(MAX_PEERS).map(WireNode::named).collect::<Result<_, _>>()?;
        Ok(Ticket { chain_id, genesis: B256::from(genesis), peers })
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wire = WireCandidate(self.account.into_array(), self.public_key.0, WireNode::of(&self.node));
        f.write_str(&wrap(CANDIDATE, &wire))
    }
}

impl FromStr for Candidate {
    type Err = TicketError;

    fn from_str(text: &str) -> Result<Self, TicketError> {
        let WireCandidate(account, public_key, node) = unwrap(CANDIDATE, text)?;
        Ok(Candidate { account: Account::from(account), public_key: B256::from(public_key), node: node.named()? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn node() -> Named {
        let peer = weft_identity::DeviceSecret::from_bytes(&[3; 32]).public();
        Named {
            peer,
            addresses: PeerAddresses { tcp: vec!["[::1]:9338".parse().unwrap()], ..PeerAddresses::default() },
        }
    }

    #[test]
    fn a_ticket_is_read_as_it_was_written_and_no_other_way() {
        let ticket = Ticket { chain_id: 9338, genesis: B256::repeat_byte(4), peers: vec![node()] };
        let text = ticket.to_string();
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":/-_".contains(&byte)), "{text}");
        assert_eq!(text.parse(), Ok(ticket));
        assert_eq!(text[..text.len() - 2].parse::<Ticket>(), Err(TicketError::Damaged));
        assert_eq!(text.parse::<Candidate>(), Err(TicketError::Kind(CANDIDATE)));
        let mut bytes = BASE64URL_NOPAD.decode(text.strip_prefix(TICKET).unwrap().as_bytes()).unwrap();
        bytes[0] = VERSION + 1;
        let newer = format!("{TICKET}{}", BASE64URL_NOPAD.encode(&bytes));
        assert_eq!(newer.parse::<Ticket>(), Err(TicketError::Version));
    }

    #[test]
    fn a_candidate_too() {
        let candidate = Candidate { account: Account::repeat_byte(1), public_key: B256::repeat_byte(2), node: node() };
        assert_eq!(format!(" {candidate}\n").parse(), Ok(candidate));
    }

    proptest! {
        #[test]
        fn any_text_is_one_or_none(text in "(weft:ledger/|weft:validator/)?[A-Za-z0-9_-]{0,200}") {
            let _ = text.parse::<Ticket>();
            let _ = text.parse::<Candidate>();
        }
    }
}
