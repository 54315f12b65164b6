//! Magnet links (BEP 9, BEP 53; BEP 52 for v2 hashes).
//!
//! ```
//! use weft_bittorrent::magnet::Magnet;
//!
//! let text = "magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567&dn=a%20folder&x.pe=192.0.2.1:6881";
//! let magnet: Magnet = text.parse()?;
//! assert_eq!(magnet.name.as_deref(), Some("a folder"));
//! assert_eq!(magnet.to_string(), text);
//! # Ok::<(), weft_bittorrent::magnet::ParseMagnetError>(())
//! ```

use std::{fmt, str::FromStr};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::{
    addr::PeerAddr,
    id::{InfoHash, InfoHashV2, ParseIdError},
    metainfo::{MAX_TRACKERS, MAX_WEB_SEEDS, seed_url, tracker_url},
};

/// The longest link, in bytes: the longest that command lines and browsers pass on unharmed is
/// about that, and all bounds below fit.
pub const MAX_MAGNET_LEN: usize = 64 << 10;
/// The most peers kept: enough to enter a swarm.
pub const MAX_PEERS: usize = 64;
/// The most ranges of selected files kept.
pub const MAX_SELECT_RANGES: usize = 1_024;
/// The most `x.weft` values kept: one device each.
pub const MAX_WEFT: usize = 16;
/// The longest name kept, in bytes: as long as a file name.
pub const MAX_NAME_LEN: usize = 255;
/// The longest `x.weft` value, in bytes: a key, a certificate and some addresses.
pub const MAX_WEFT_LEN: usize = 2_048;

/// Why a text is not a magnet link to a torrent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseMagnetError {
    /// Over [`MAX_MAGNET_LEN`].
    #[error("the link has {len} bytes, more than the {MAX_MAGNET_LEN} that are read")]
    TooLong {
        /// Bytes given.
        len: usize,
    },
    /// It does not begin with `magnet:?`.
    #[error("this is not a magnet link: it does not begin with \"magnet:?\"")]
    Scheme,
    /// No `xt` names a torrent.
    #[error("the magnet link names no torrent: it has no xt=urn:btih: or xt=urn:btmh:")]
    NoTopic,
    /// An info-hash is malformed.
    #[error("the magnet link's info-hash is malformed")]
    InfoHash(#[from] ParseIdError),
    /// Two different info-hashes of one version.
    #[error("the magnet link names two torrents")]
    TwoTopics,
}

/// A magnet link to a torrent. At least one of the two hashes is there in a parsed one.
///
/// What is too much or malformed beside the hashes is left out, so that a link with one bad
/// tracker still works.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Magnet {
    /// The v1 info-hash (`xt=urn:btih:`).
    pub v1: Option<InfoHash>,
    /// The v2 info-hash (`xt=urn:btmh:1220…`).
    pub v2: Option<InfoHashV2>,
    /// The name to show until the metadata is there (`dn`).
    pub name: Option<String>,
    /// Tracker URLs (`tr`).
    pub trackers: Vec<String>,
    /// Peers (`x.pe`). Addresses that a stranger wrote: not to be dialled unchecked.
    pub peers: Vec<PeerAddr>,
    /// Web seeds (`ws`).
    pub web_seeds: Vec<String>,
    /// Selected files as ranges of indices, both ends included (`so`, BEP 53). Empty: all.
    pub select_only: Vec<(u32, u32)>,
    /// The raw values of `x.weft`: how to reach a device that has the content.
    pub weft: Vec<String>,
}

impl Magnet {
    /// A link to a torrent with nothing but its hashes and name.
    pub fn new(info: &crate::metainfo::Info) -> Self {
        use crate::metainfo::Version;
        Self {
            v1: (info.version() != Version::V2).then(|| info.info_hash()),
            v2: info.info_hash_v2(),
            name: Some(info.name().to_owned()),
            ..Self::default()
        }
    }

    /// The 20 bytes under which the swarm meets (BEP 52): the v1 hash, or the cut v2 hash.
    pub fn info_hash(&self) -> Option<InfoHash> {
        self.v1.or_else(|| self.v2.map(|v2| v2.truncated()))
    }

    /// Whether a file is selected (BEP 53).
    pub fn selects(&self, file: u32) -> bool {
        self.select_only.is_empty() || self.select_only.iter().any(|(first, last)| (*first..=*last).contains(&file))
    }

    fn take(&mut self, key: &str, value: &str) -> Result<(), ParseMagnetError> {
        // `tr.1` and the like are how the magnet draft numbers keys that repeat.
        let key = match key.split_once('.') {
            Some((stem, number)) if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) => stem,
            _ => key,
        };
        match key {
            "xt" => self.take_topic(value)?,
            "dn" if self.name.is_none() => self.name = name(value),
            "tr" => keep(&mut self.trackers, tracker_url(value), MAX_TRACKERS),
            "ws" => keep(&mut self.web_seeds, seed_url(value), MAX_WEB_SEEDS),
            "x.pe" => keep(&mut self.peers, value.parse().ok(), MAX_PEERS),
            "x.weft" => {
                let usable = !value.is_empty() && value.len() <= MAX_WEFT_LEN && !value.contains(char::is_control);
                keep(&mut self.weft, usable.then(|| value.to_owned()), MAX_WEFT);
            }
            "so" => {
                let ranges = value.split(',').filter_map(range);
                self.select_only.extend(ranges.take(MAX_SELECT_RANGES.saturating_sub(self.select_only.len())));
            }
            _ => {}
        }
        Ok(())
    }

    fn take_topic(&mut self, urn: &str) -> Result<(), ParseMagnetError> {
        if let Some(hash) = strip_prefix(urn, "urn:btih:") {
            let hash = if hash.len() == 32 { InfoHash::from_base32(hash)? } else { hash.parse()? };
            return set(&mut self.v1, hash);
        }
        // A multihash: SHA-256 (0x12) of 32 (0x20) bytes.
        if let Some(hash) = strip_prefix(urn, "urn:btmh:1220") {
            return set(&mut self.v2, hash.parse()?);
        }
        Ok(())
    }
}

fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, tail) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(tail)
}

fn set<T: PartialEq>(slot: &mut Option<T>, value: T) -> Result<(), ParseMagnetError> {
    if slot.as_ref().is_some_and(|old| *old != value) {
        return Err(ParseMagnetError::TwoTopics);
    }
    *slot = Some(value);
    Ok(())
}

fn keep<T: PartialEq>(list: &mut Vec<T>, value: Option<T>, limit: usize) {
    if let Some(value) = value.filter(|value| list.len() < limit && !list.contains(value)) {
        list.push(value);
    }
}

/// A name for display: no control characters, bounded.
fn name(value: &str) -> Option<String> {
    let mut name: String = value.chars().filter(|c| !c.is_control()).collect();
    while name.len() > MAX_NAME_LEN {
        name.pop();
    }
    (!name.is_empty()).then_some(name)
}

/// `3` or `3-5`.
fn range(text: &str) -> Option<(u32, u32)> {
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?;
    let (first, last) = match text.split_once('-') {
        Some((first, last)) => (number(first)?, number(last)?),
        None => (number(text)?, number(text)?),
    };
    (first <= last).then_some((first, last))
}

impl FromStr for Magnet {
    type Err = ParseMagnetError;

    fn from_str(text: &str) -> Result<Self, ParseMagnetError> {
        let text = text.trim();
        if text.len() > MAX_MAGNET_LEN {
            return Err(ParseMagnetError::TooLong { len: text.len() });
        }
        let query = strip_prefix(text, "magnet:?").ok_or(ParseMagnetError::Scheme)?;
        let mut magnet = Self::default();
        for pair in query.split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            magnet.take(&decode(key), &decode(value))?;
        }
        if magnet.info_hash().is_none() { Err(ParseMagnetError::NoTopic) } else { Ok(magnet) }
    }
}

/// Percent-decoding; `+` is a space, as the makers of links use it.
fn decode(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

/// What stays readable in a value: unreserved characters of RFC 3986, and `:`, which addresses
/// have and queries allow.
const ESCAPED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':').remove(b',');

impl fmt::Display for Magnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "magnet:?";
        let mut pair = |key: &str, value: &str| {
            write!(f, "{separator}{key}={}", utf8_percent_encode(value, ESCAPED))?;
            separator = "&";
            Ok(())
        };
        if let Some(v1) = &self.v1 {
            pair("xt", &format!("urn:btih:{v1}"))?;
        }
        if let Some(v2) = &self.v2 {
            pair("xt", &format!("urn:btmh:1220{v2}"))?;
        }
        if let Some(name) = &self.name {
            pair("dn", name)?;
        }
        self.trackers.iter().try_for_each(|url| pair("tr", url))?;
        self.web_seeds.iter().try_for_each(|url| pair("ws", url))?;
        self.peers.iter().try_for_each(|peer| pair("x.pe", &peer.to_string()))?;
        if !self.select_only.is_empty() {
            let range = |(first, last): &(u32, u32)| {
                if first == last { first.to_string() } else { format!("{first}-{last}") }
            };
            pair("so", &self.select_only.iter().map(range).collect::<Vec<_>>().join(","))?;
        }
        self.weft.iter().try_for_each(|value| pair("x.weft", value))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HASH: &str = "0123456789abcdef0123456789abcdef01234567";

    fn parse(rest: &str) -> Result<Magnet, ParseMagnetError> {
        format!("magnet:?xt=urn:btih:{HASH}{rest}").parse()
    }

    #[test]
    fn everything_at_once() {
        let v2 = "ab".repeat(32);
        let magnet = parse(&format!(
            "&xt=urn:btmh:1220{v2}&dn=a+b%26c&tr=http%3A%2F%2Ft.example%2Fa%3Fk%3D1&tr.1=udp://u.example:1\
             &tr=ftp://no.example/&ws=https://w.example/&x.pe=192.0.2.1:1&x.pe=%5B2001:db8::1%5D:2&x.pe=bad\
             &so=0,2,4,6-8,9-3&x.weft=key@relay&unknown=x&novalue&&"
        ))
        .unwrap();
        assert_eq!(magnet.v2.unwrap().to_hex(), v2);
        assert_eq!(magnet.name.as_deref(), Some("a b&c"));
        assert_eq!(magnet.trackers, ["http://t.example/a?k=1", "udp://u.example:1"]);
        assert_eq!(magnet.web_seeds, ["https://w.example/"]);
        assert_eq!(
            magnet.peers.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["192.0.2.1:1", "[2001:db8::1]:2"]
        );
        assert_eq!(magnet.select_only, [(0, 0), (2, 2), (4, 4), (6, 8)]);
        assert!(magnet.selects(7) && !magnet.selects(9));
        assert_eq!(magnet.weft, ["key@relay"]);
        assert_eq!(magnet.to_string().parse::<Magnet>().unwrap(), magnet);
    }

    #[test]
    fn hashes() {
        let base32 = data_encoding::BASE32.encode(&hex::decode(HASH).unwrap());
        let old: Magnet = format!("MAGNET:?xt=urn:btih:{base32}").parse().unwrap();
        assert_eq!(old.v1.unwrap().to_hex(), HASH);
        let v2: Magnet = format!("magnet:?xt=urn:btmh:1220{}", "07".repeat(32)).parse().unwrap();
        assert_eq!(v2.info_hash(), Some(InfoHash([7; 20])));
        assert_eq!("magnet:?dn=x".parse::<Magnet>(), Err(ParseMagnetError::NoTopic));
        assert_eq!("http://x/".parse::<Magnet>(), Err(ParseMagnetError::Scheme));
        assert!(matches!("magnet:?xt=urn:btih:12".parse::<Magnet>(), Err(ParseMagnetError::InfoHash(_))));
        assert_eq!(parse(&format!("&xt=urn:btih:{}", "0".repeat(40))), Err(ParseMagnetError::TwoTopics));
        assert!(parse(&format!("&xt=urn:btih:{HASH}")).is_ok());
    }

    #[test]
    fn bounds() {
        let many = |key: &str, value: fn(usize) -> String, count: usize| {
            parse(&(0..count).map(|i| format!("&{key}={}", value(i))).collect::<String>()).unwrap()
        };
        assert_eq!(many("tr", |i| format!("udp://t{i}.example:1"), 500).trackers.len(), MAX_TRACKERS);
        assert_eq!(many("x.pe", |i| format!("h{i}:1"), 500).peers.len(), MAX_PEERS);
        assert_eq!(many("so", |i| i.to_string(), 3_000).select_only.len(), MAX_SELECT_RANGES);
        assert_eq!(many("x.weft", |i| i.to_string(), 50).weft.len(), MAX_WEFT);
        assert!(parse(&format!("&dn={}", "é".repeat(300))).unwrap().name.unwrap().len() <= MAX_NAME_LEN);
        assert!(matches!(parse(&"x".repeat(MAX_MAGNET_LEN)), Err(ParseMagnetError::TooLong { .. })));
    }

    proptest! {
        #[test]
        fn any_text_parses_or_fails_and_round_trips(text in "[a-z0-9.=&%+:/\\[\\]-]{0,200}", any in ".{0,40}") {
            let _ = any.parse::<Magnet>();
            if let Ok(magnet) = parse(&format!("&{text}&dn={any}")) {
                prop_assert_eq!(magnet.to_string().parse::<Magnet>(), Ok(magnet));
            }
        }
    }
}
