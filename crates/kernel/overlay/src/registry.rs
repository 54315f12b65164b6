//! Who serves which stream: the one table that every transport asks.
//!
//! A service registers a [`LinkHandler`] for its [`StreamType`] when it is switched on and takes it away when it is
//! switched off; the overlay's accept loop and the TCP listener look handlers up by the name a peer sent. Plain
//! BitTorrent has no stream type on the wire, so it has a place of its own.
//!
//! The words both ends exchange before a stream belongs to its service are here too, because every transport uses the
//! same: the opener sends the [stream type](encode_purpose), the answerer one [`Status`] byte.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::connector::{LinkHandler, StreamType};

/// The handlers of this node, by stream type. Cheap to clone; all clones are the same table.
#[derive(Clone, Default)]
pub struct HandlerRegistry {
    inner: Arc<RwLock<Handlers>>,
}

#[derive(Default)]
struct Handlers {
    by_type: HashMap<StreamType, Arc<dyn LinkHandler>>,
    plain: Option<Arc<dyn LinkHandler>>,
}

impl HandlerRegistry {
    /// An empty table: everything is refused as not served.
    pub fn new() -> Self {
        Self::default()
    }

    /// Serves `purpose` with `handler` from now on, and gives back the handler it replaces.
    pub fn serve(&self, purpose: StreamType, handler: Arc<dyn LinkHandler>) -> Option<Arc<dyn LinkHandler>> {
        self.inner.write().by_type.insert(purpose, handler)
    }

    /// Serves `purpose` no longer. Streams already handed over live on. Says whether it was served.
    pub fn unserve(&self, purpose: StreamType) -> bool {
        self.inner.write().by_type.remove(&purpose).is_some()
    }

    /// The handler of the stream type a peer named.
    pub fn lookup(&self, name: &str) -> Option<(StreamType, Arc<dyn LinkHandler>)> {
        // Few stream types exist and this runs once a stream: a scan spares a second key type.
        let inner = self.inner.read();
        inner.by_type.iter().find(|(purpose, _)| purpose.as_str() == name).map(|(p, h)| (*p, Arc::clone(h)))
    }

    /// Serves plain BitTorrent connections from now on, and gives back the handler it replaces.
    pub fn serve_plain(&self, handler: Arc<dyn LinkHandler>) -> Option<Arc<dyn LinkHandler>> {
        self.inner.write().plain.replace(handler)
    }

    /// Serves plain BitTorrent no longer. Says whether it was served.
    pub fn unserve_plain(&self) -> bool {
        self.inner.write().plain.take().is_some()
    }

    /// The handler of plain BitTorrent connections.
    pub fn plain(&self) -> Option<Arc<dyn LinkHandler>> {
        self.inner.read().plain.clone()
    }

    /// What is served now, sorted.
    pub fn stream_types(&self) -> Vec<StreamType> {
        let mut types: Vec<_> = self.inner.read().by_type.keys().copied().collect();
        types.sort();
        types
    }
}

impl fmt::Debug for HandlerRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerRegistry")
            .field("stream_types", &self.stream_types())
            .field("plain", &self.inner.read().plain.is_some())
            .finish()
    }
}

/// The answer to a stream type: one byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// Served: what follows belongs to the service.
    Ok,
    /// Nobody serves this stream type here.
    NotServed,
    /// The opener is on the deny list, or not on the allow list.
    Blocked,
    /// The opener belongs to another network.
    WrongNetwork,
    /// Too many connections are open here; another time, perhaps.
    Busy,
    /// A code of a newer Weft.
    Unknown(u8),
}

impl Status {
    /// The byte on the wire.
    pub const fn code(self) -> u8 {
        match self {
            Status::Ok => 0,
            Status::NotServed => 1,
            Status::Blocked => 2,
            Status::WrongNetwork => 3,
            Status::Busy => 4,
            Status::Unknown(code) => code,
        }
    }

    /// What a byte from the wire means.
    pub const fn from_code(code: u8) -> Self {
        match code {
            0 => Status::Ok,
            1 => Status::NotServed,
            2 => Status::Blocked,
            3 => Status::WrongNetwork,
            4 => Status::Busy,
            other => Status::Unknown(other),
        }
    }
}

/// The bytes that open a stream: one length byte, then the name.
pub fn encode_purpose(purpose: StreamType) -> Vec<u8> {
    let name = purpose.as_str().as_bytes();
    let mut bytes = Vec::with_capacity(1 + name.len());
    // `StreamType::new` holds names to 32 bytes.
    bytes.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
    bytes.extend_from_slice(name);
    bytes
}

/// The length a length byte announces, if a stream type may have it.
pub fn purpose_len(byte: u8) -> Option<usize> {
    let len = usize::from(byte);
    (1..=StreamType::MAX_LEN).contains(&len).then_some(len)
}

/// The name in the bytes after the length byte: printable ASCII without space and upper case, or nothing.
pub fn decode_purpose(name: &[u8]) -> Option<&str> {
    let fits = !name.is_empty() && name.len() <= StreamType::MAX_LEN;
    let printable = name.iter().all(|b| b.is_ascii_graphic() && !b.is_ascii_uppercase());
    (fits && printable).then(|| std::str::from_utf8(name).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::link::BoxLink;

    struct Nobody;
    impl LinkHandler for Nobody {
        fn accept(&self, _link: BoxLink) {}
    }

    const A: StreamType = StreamType::new("a/1");
    const B: StreamType = StreamType::new("b/1");

    #[test]
    fn services_come_and_go() {
        let registry = HandlerRegistry::new();
        assert!(registry.lookup("a/1").is_none());
        assert!(registry.serve(A, Arc::new(Nobody)).is_none());
        assert!(registry.clone().serve(B, Arc::new(Nobody)).is_none());
        assert_eq!(registry.lookup("a/1").map(|(p, _)| p), Some(A));
        assert_eq!(registry.stream_types(), vec![A, B]);
        assert!(registry.serve(A, Arc::new(Nobody)).is_some(), "replacing gives the old one back");
        assert!(registry.unserve(A) && !registry.unserve(A));
        assert!(registry.lookup("a/1").is_none() && registry.lookup("b/1").is_some());
        assert!(registry.plain().is_none());
        registry.serve_plain(Arc::new(Nobody));
        assert!(registry.plain().is_some() && registry.unserve_plain() && registry.plain().is_none());
    }

    #[test]
    fn purposes_round_trip() {
        let bytes = encode_purpose(A);
        assert_eq!(bytes, b"\x03a/1");
        assert_eq!(purpose_len(bytes[0]), Some(3));
        assert_eq!(decode_purpose(&bytes[1..]), Some("a/1"));
        assert_eq!((purpose_len(0), purpose_len(33)), (None, None));
    }

    proptest! {
        #[test]
        fn hostile_names_are_answered_not_panicked_at(name: Vec<u8>) {
            if let Some(text) = decode_purpose(&name) {
                prop_assert!(text.len() <= StreamType::MAX_LEN && text.is_ascii());
            }
        }

        #[test]
        fn status_codes_round_trip(code: u8) {
            prop_assert_eq!(Status::from_code(code).code(), code);
        }
    }
}
