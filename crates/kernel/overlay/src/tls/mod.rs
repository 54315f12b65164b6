//! TLS 1.3 on TCP, both device keys proven: what carries the bulk between Weft peers.
//!
//! - Raw Ed25519 public keys (RFC 7250) instead of certificates, in both directions; nobody has a name to certify.
//! - The client names the server *blindly* ([`sni`]), and a server that is not meant aborts before it shows a key. So
//!   somebody who scans addresses, or who met one in a public swarm, does not learn whose device answers there.
//! - The key a client shows goes to a server that has proven the expected key, or, when the client seeks strangers by
//!   role, is a throwaway.
//! - No session tickets, no early data, no TLS 1.2.
//! - After the handshake the client says its network and the [stream type](crate::connector::StreamType); the server answers one
//!   [`Status`](crate::registry::Status) byte. What follows is the service's.
//!
//! Layers: `sni` and `keys` at the bottom, `verify` on them, then `link` (the byte stream) and `endpoint` (both sides of
//! the handshake).

mod endpoint;
mod keys;
mod link;
pub mod sni;
mod verify;

pub use endpoint::{Expect, IncomingTls, NetworkTag, TlsEndpoint, TlsError};
pub use link::TlsLink;

/// The application protocol of bulk links.
pub const ALPN: &[u8] = b"weft/tls/1";

#[cfg(test)]
mod tests;
