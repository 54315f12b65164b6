//! The torrent file around the info dictionary: trackers, web seeds, nodes and remarks.

use super::{
    Info, MAX_METAINFO_LEN, MAX_NODES, MAX_TEXT_LEN, MAX_TRACKERS, MAX_URL_LEN, MAX_WEB_SEEDS, MetainfoError,
    PathRules, PieceLayers, Version, path::floor_char_boundary, v2,
};
use crate::{
    addr::PeerAddr,
    bencode::{Dict, Item, Limits, Value, decode_prefix},
};

/// A torrent file.
///
/// What is not understood is dropped by [`Metainfo::to_bytes`], but never anything of the info
/// dictionary, whose bytes are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metainfo {
    /// What the torrent is.
    pub info: Info,
    /// Tracker URLs in tiers, best first (BEP 12). Schemes `http`, `https` and `udp`.
    pub announce: Vec<Vec<String>>,
    /// Web seeds that serve the files themselves (BEP 19).
    pub url_list: Vec<String>,
    /// Web seeds with a script (BEP 17).
    pub http_seeds: Vec<String>,
    /// DHT nodes to begin with (BEP 5).
    pub nodes: Vec<PeerAddr>,
    /// A remark, for people.
    pub comment: Option<String>,
    /// The program that made the file.
    pub created_by: Option<String>,
    /// Seconds since 1970.
    pub creation_date: Option<i64>,
    /// The encoding that names are said to have.
    pub encoding: Option<String>,
    /// Hashes of the pieces of v2 files; may be incomplete.
    pub piece_layers: PieceLayers,
}

impl Metainfo {
    /// A torrent file with nothing but the info dictionary.
    pub fn new(info: Info) -> Self {
        Self {
            info,
            announce: Vec::new(),
            url_list: Vec::new(),
            http_seeds: Vec::new(),
            nodes: Vec::new(),
            comment: None,
            created_by: None,
            creation_date: None,
            encoding: None,
            piece_layers: PieceLayers::new(),
        }
    }

    /// Reads a torrent file. Bytes after its dictionary (many files end with a newline) are
    /// ignored, as are trackers and seeds that are no usable URL.
    ///
    /// # Errors
    /// Everything [`MetainfoError`] names.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MetainfoError> {
        if bytes.len() > MAX_METAINFO_LEN {
            return Err(MetainfoError::TooLarge { len: bytes.len() });
        }
        let (value, _) = decode_prefix(bytes, Limits::METAINFO)?;
        let dict = value.as_dict().ok_or(MetainfoError::MissingInfo)?;
        let (Some(info_value), Some(raw)) = (dict.get("info"), dict.get_raw("info")) else {
            return Err(MetainfoError::MissingInfo);
        };
        let info = Info::from_value(info_value, raw, PathRules::native())?;
        let piece_layers = match info.version() {
            Version::V1 => PieceLayers::new(),
            Version::V2 | Version::Hybrid => {
                v2::piece_layers(dict.get("piece layers"), info.files(), info.piece_length())?
            }
        };
        Ok(Self {
            info,
            announce: announce(dict),
            url_list: seeds(dict.get("url-list")),
            http_seeds: seeds(dict.get("httpseeds")),
            nodes: nodes(dict),
            comment: text(dict, "comment.utf-8").or_else(|| text(dict, "comment")),
            created_by: text(dict, "created by"),
            creation_date: dict.int("creation date"),
            encoding: text(dict, "encoding"),
            piece_layers,
        })
    }

    /// The bytes of the torrent file. The info dictionary is written exactly as it was read.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut entries = vec![("info", Item::Raw(self.info.raw().as_ref().into()))];
        if let Some(first) = self.announce.iter().flatten().next() {
            entries.push(("announce", Item::from(first.as_str())));
        }
        if self.announce.iter().map(Vec::len).sum::<usize>() > 1 {
            entries.push(("announce-list", Item::list(self.announce.iter().map(|tier| strings(tier)))));
        }
        if !self.url_list.is_empty() {
            entries.push(("url-list", strings(&self.url_list)));
        }
        if !self.http_seeds.is_empty() {
            entries.push(("httpseeds", strings(&self.http_seeds)));
        }
        if !self.nodes.is_empty() {
            let node = |addr: &PeerAddr| Item::list([addr.host().to_owned().into(), u32::from(addr.port()).into()]);
            entries.push(("nodes", Item::list(self.nodes.iter().map(node))));
        }
        let texts = [("comment", &self.comment), ("created by", &self.created_by), ("encoding", &self.encoding)];
        entries.extend(texts.into_iter().filter_map(|(key, text)| Some((key, Item::from(text.as_deref()?)))));
        if let Some(date) = self.creation_date {
            entries.push(("creation date", Item::from(date)));
        }
        if self.info.version() != Version::V1 {
            let layers = self.piece_layers.iter().map(|(root, layer)| (root, Item::bytes(layer)));
            entries.push(("piece layers", Item::dict(layers)));
        }
        Item::dict(entries).encode()
    }
}

fn strings(list: &[String]) -> Item<'_> {
    Item::list(list.iter().map(|text| Item::from(text.as_str())))
}

/// A URL of one of the schemes, trimmed; nothing that is too long or is no URL.
fn usable_url(text: &str, schemes: &[&str]) -> Option<String> {
    let text = text.trim();
    if text.len() > MAX_URL_LEN || text.contains(char::is_control) {
        return None;
    }
    let url = url::Url::parse(text).ok()?;
    (url.has_host() && schemes.contains(&url.scheme())).then(|| text.to_owned())
}

/// A tracker URL that can be announced to (BEP 3, BEP 15).
pub(crate) fn tracker_url(text: &str) -> Option<String> {
    usable_url(text, &["http", "https", "udp"])
}

/// A web seed's URL (BEP 17, BEP 19).
pub(crate) fn seed_url(text: &str) -> Option<String> {
    usable_url(text, &["http", "https"])
}

/// The most list entries looked at for any of the lists below: a list of a million non-URLs costs
/// no more than this many attempts to parse one.
const MAX_CANDIDATES: usize = 1_024;

/// The tiers of `announce-list` (BEP 12), or `announce` where that has nothing.
fn announce(dict: &Dict<'_>) -> Vec<Vec<String>> {
    let mut seen = std::collections::BTreeSet::new();
    let mut candidates = 0..MAX_CANDIDATES;
    let mut tracker = |value: &Value<'_>| {
        candidates.next()?;
        let url = tracker_url(value.as_str()?)?;
        (seen.len() < MAX_TRACKERS && seen.insert(url.clone())).then_some(url)
    };
    let mut tiers: Vec<Vec<String>> = dict
        .list("announce-list")
        .unwrap_or_default()
        .iter()
        .map(|tier| match tier {
            Value::List(urls) => urls.iter().filter_map(&mut tracker).collect(),
            // Some writers leave out the inner lists.
            url => tracker(url).into_iter().collect(),
        })
        .filter(|tier: &Vec<String>| !tier.is_empty())
        .collect();
    if tiers.is_empty() {
        tiers.extend(dict.get("announce").and_then(tracker).map(|url| vec![url]));
    }
    tiers
}

fn seeds(value: Option<&Value<'_>>) -> Vec<String> {
    let list = match value {
        Some(Value::List(list)) => list.as_slice(),
        Some(single) => std::slice::from_ref(single),
        None => &[],
    };
    let mut seeds: Vec<String> = Vec::new();
    for url in list.iter().take(MAX_CANDIDATES).filter_map(|value| seed_url(value.as_str()?)) {
        if seeds.len() < MAX_WEB_SEEDS && !seeds.contains(&url) {
            seeds.push(url);
        }
    }
    seeds
}

fn nodes(dict: &Dict<'_>) -> Vec<PeerAddr> {
    let node = |value: &Value<'_>| match value.as_list()? {
        [host, port] => PeerAddr::new(host.as_str()?, u16::try_from(port.as_int()?).ok()?),
        _ => None,
    };
    dict.list("nodes").unwrap_or_default().iter().take(MAX_CANDIDATES).filter_map(node).take(MAX_NODES).collect()
}

/// Text for people: bounded, without control characters other than line ends and tabs.
fn text(dict: &Dict<'_>, key: &str) -> Option<String> {
    let text = String::from_utf8_lossy(dict.bytes(key)?);
    let clean: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    let clean = floor_char_boundary(&clean, MAX_TEXT_LEN);
    (!clean.is_empty()).then(|| clean.to_owned())
}
