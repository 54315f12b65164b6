//! Layers: defaults, file, environment, flags; each value remembers where it came from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use figment::providers::{Format, Serialized, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};
use serde::Serialize;

use super::error::ConfigError;
use super::origin::Origin;
use super::sections::Config;

/// What environment variables begin with; a double underscore parts section and key: `WEFT_API__LISTEN`.
const PREFIX: &str = "WEFT_";

/// Below this likeness a suggestion would only confuse (Jaro–Winkler, 0 to 1).
const LIKENESS: f64 = 0.75;

/// Where the layers come from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The configuration file; one that does not exist is an empty one.
    pub file: Option<PathBuf>,
    /// The environment: every variable, also those that are not ours.
    pub env: Vec<(String, String)>,
    /// Flags: the flag's name, the key it sets, the value as text.
    pub flags: Vec<(String, String, String)>,
}

/// One setting as it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// `section.key`.
    pub key: String,
    /// Its value.
    pub value: serde_json::Value,
    /// Where it came from.
    pub origin: Origin,
}

/// A configuration with the origin of each value.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What is set.
    pub config: Config,
    /// Every setting, by key.
    pub entries: Vec<Entry>,
    /// The layers it came from: to be read again.
    pub sources: Sources,
}

impl Loaded {
    /// Where `key` was set.
    pub fn origin(&self, key: &str) -> Origin {
        self.entries.iter().find(|entry| entry.key == key).map_or(Origin::Default, |entry| entry.origin.clone())
    }
}

impl Sources {
    /// The sources of a running program: this process's environment and `file`.
    pub fn of_process(file: PathBuf) -> Self {
        // A variable that is not UTF-8 cannot be one of ours.
        let env = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Sources { file: Some(file), env, flags: Vec::new() }
    }

    /// With one more flag.
    #[must_use]
    pub fn flag(mut self, flag: &str, key: &str, value: impl Into<String>) -> Self {
        self.flags.push((flag.into(), key.into(), value.into()));
        self
    }

    /// Reads and merges the layers.
    ///
    /// # Errors
    /// [`ConfigError`] names the first thing that cannot be followed, and where it stands.
    pub fn load(&self) -> Result<Loaded, ConfigError> {
        let text = self.file.as_deref().map(read_file).transpose()?.flatten();
        self.load_with_file_text(text.as_deref())
    }

    /// As [`load`](Self::load), with `text` in place of what the file says now.
    pub(super) fn load_with_file_text(&self, text: Option<&str>) -> Result<Loaded, ConfigError> {
        let shapes = shapes();
        let mut layers = vec![Layer::defaults()];
        if let (Some(path), Some(text)) = (&self.file, text) {
            layers.push(Layer::file(path, text)?);
        }
        for (name, value) in &self.env {
            if let Some(key) = env_key(name) {
                layers.push(Layer::text(Origin::Env(name.clone()), &key, value, &shapes));
            }
        }
        for (flag, key, value) in &self.flags {
            layers.push(Layer::text(Origin::Flag(flag.clone()), key, value, &shapes));
        }
        for layer in &layers {
            layer.check_keys(&shapes)?;
        }
        merge(&layers, self)
    }
}

/// What `key` is if nobody sets it; null if there is no such key.
pub(crate) fn default_of(key: &str) -> serde_json::Value {
    shapes().get(key).and_then(|value| serde_json::to_value(value).ok()).unwrap_or_default()
}

fn read_file(path: &Path) -> Result<Option<String>, ConfigError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ConfigError::Read { path: path.to_path_buf(), source }),
    }
}

/// `WEFT_API__LISTEN` is `api.listen`. A name without a double underscore is not a setting.
fn env_key(name: &str) -> Option<String> {
    let (section, key) = name.strip_prefix(PREFIX)?.split_once("__")?;
    Some(format!("{}.{}", section.to_ascii_lowercase(), key.to_ascii_lowercase()))
}

/// Every known key with its default: what says its type.
pub(super) fn shapes() -> BTreeMap<String, Value> {
    let defaults = Figment::from(Serialized::defaults(Config::default()));
    let dict: Dict = defaults.extract().unwrap_or_default();
    flatten(&dict).into_iter().map(|(key, value)| (key, value.clone())).collect()
}

/// Leaves by dotted key. Two levels: sections hold keys, keys hold values.
fn flatten(dict: &Dict) -> Vec<(String, &Value)> {
    let mut leaves = Vec::new();
    for (section, value) in dict {
        match value.as_dict() {
            Some(keys) => leaves.extend(keys.iter().map(|(key, value)| (format!("{section}.{key}"), value))),
            None => leaves.push((section.clone(), value)),
        }
    }
    leaves
}

/// Reads `text` as the type that `shape` has. Where it does not fit, it stays text and the section's own type says what
/// is wrong with it (or takes it: a rate is a number or `10 MB/s`).
pub(super) fn typed(text: &str, shape: Option<&Value>) -> Value {
    let as_text = || Value::from(text);
    match shape {
        Some(Value::Num(..)) => text.parse::<i64>().map_or_else(|_| as_text(), Value::from),
        Some(Value::Bool(..)) => text.parse::<bool>().map_or_else(|_| as_text(), Value::from),
        Some(Value::Array(..)) => Value::from(list(text)),
        _ => as_text(),
    }
}

/// `a, b` or `["a", "b"]`.
fn list(text: &str) -> Vec<String> {
    if let Ok(parsed) = serde_json::from_str::<Vec<String>>(text) {
        return parsed;
    }
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

/// The known key nearest to `key`.
fn nearest(key: &str, shapes: &BTreeMap<String, Value>) -> Option<String> {
    let name = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let likeness = |known: &String| {
        // `api.lisen` is like `api.listen`, and `apis.listen` and plain `listen` are too.
        strsim::jaro_winkler(key, known).max(strsim::jaro_winkler(&name(key), &name(known)) - 0.05)
    };
    let best = shapes.keys().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(best) >= LIKENESS).then(|| best.clone())
}

/// One layer as figment takes it.
struct Layer {
    origin: Origin,
    dict: Dict,
}

impl Layer {
    fn defaults() -> Self {
        let dict = Figment::from(Serialized::defaults(Config::default())).extract().unwrap_or_default();
        Layer { origin: Origin::Default, dict }
    }

    fn file(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let dict = Toml::from_str::<Dict>(text)
            .map_err(|error| ConfigError::Syntax { path: path.to_path_buf(), source: Box::new(error) })?;
        Ok(Layer { origin: Origin::File(path.to_path_buf()), dict })
    }

    fn text(origin: Origin, key: &str, text: &str, shapes: &BTreeMap<String, Value>) -> Self {
        let value = figment::util::nest(key, typed(text, shapes.get(key)));
        Layer { origin, dict: value.into_dict().unwrap_or_default() }
    }

    fn check_keys(&self, shapes: &BTreeMap<String, Value>) -> Result<(), ConfigError> {
        match flatten(&self.dict).into_iter().find(|(key, _)| !shapes.contains_key(key)) {
            None => Ok(()),
            Some((key, _)) => {
                Err(ConfigError::UnknownKey { nearest: nearest(&key, shapes), key, origin: self.origin.clone() })
            }
        }
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.origin.to_string())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.dict.clone()))
    }
}

fn merge(layers: &[Layer], sources: &Sources) -> Result<Loaded, ConfigError> {
    let figment = layers.iter().fold(Figment::new(), |figment, layer| figment.merge(layer));
    let origin_of = |metadata: Option<&Metadata>| {
        let named = metadata.map(|metadata| metadata.name.as_ref());
        layers
            .iter()
            .map(|layer| &layer.origin)
            .find(|origin| named == Some(origin.to_string().as_str()))
            .cloned()
            .unwrap_or(Origin::Default)
    };
    let bad_value = |error: figment::Error| ConfigError::BadValue {
        key: error.path.join("."),
        origin: origin_of(error.metadata.as_ref()),
        reason: error.kind.to_string(),
    };
    let config: Config = figment.extract().map_err(bad_value)?;
    // The values as the sections understood them; figment knows where each came from.
    let understood = Figment::from(Serialized::defaults(&config)).extract::<Dict>().map_err(bad_value)?;
    let entries = flatten(&understood)
        .into_iter()
        .map(|(key, value)| Entry {
            value: serde_json::to_value(value).unwrap_or_default(),
            origin: origin_of(figment.find_metadata(&key)),
            key,
        })
        .collect();
    Ok(Loaded { config, entries, sources: sources.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(text: &str) -> (tempfile::TempDir, Sources) {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("config.toml");
        std::fs::write(&file, text).expect("a file");
        (folder, Sources { file: Some(file), ..Sources::default() })
    }

    #[test]
    fn later_layers_win_and_each_value_says_where_it_came_from() {
        let (_folder, mut sources) = sources("[api]\nlisten = '127.0.0.1:1'\n[overlay]\nport = 1\n[log]\nlevel = 'a'");
        sources.env = vec![
            ("WEFT_OVERLAY__PORT".into(), "2".into()),
            ("WEFT_LOG__LEVEL".into(), "b".into()),
            ("HOME".into(), "/".into()),
            ("WEFT_PASSPHRASE_FILE".into(), "not a setting".into()),
        ];
        let sources = sources.flag("--log", "log.level", "c");
        let loaded = sources.load().expect("a good configuration");
        assert_eq!(loaded.config.api.listen.port(), 1);
        assert_eq!(loaded.config.overlay.port, 2);
        assert_eq!(loaded.config.log.level, "c");
        assert_eq!(loaded.config.files, crate::config::Config::default().files);
        assert_eq!(loaded.origin("api.listen"), Origin::File(sources.file.clone().expect("a file")));
        assert_eq!(loaded.origin("overlay.port"), Origin::Env("WEFT_OVERLAY__PORT".into()));
        assert_eq!(loaded.origin("log.level"), Origin::Flag("--log".into()));
        assert_eq!(loaded.origin("files.dir"), Origin::Default);
    }

    #[test]
    fn unknown_keys_are_errors_wherever_they_stand_and_the_nearest_is_named() {
        let (_folder, sources) = sources("[overlay]\nprot = 1");
        let error = sources.load().expect_err("no such key").to_string();
        assert!(error.contains("`overlay.prot`") && error.contains("did you mean `overlay.port`?"), "{error}");
        let env = Sources { env: vec![("WEFT_NETWORK__BOOSTRAP".into(), String::new())], ..Sources::default() };
        let error = env.load().expect_err("no such key").to_string();
        assert!(error.contains("WEFT_NETWORK__BOOSTRAP") && error.contains("`network.bootstrap`"), "{error}");
        let odd = Sources { env: vec![("WEFT_Q__ZZZ".into(), String::new())], ..Sources::default() };
        assert!(matches!(odd.load(), Err(ConfigError::UnknownKey { nearest: None, .. })));
        let section = Sources::default().flag("--x", "api", "1");
        assert!(section.load().is_err());
    }

    #[test]
    fn text_is_read_as_the_type_its_key_has() {
        let sources = Sources::default()
            .flag("-a", "network.bootstrap", "a:1, b:2")
            .flag("-b", "network.dht", "false")
            .flag("-c", "network.name", "123")
            .flag("-d", "files.download_rate", "10 MB/s")
            .flag("-e", "services.enable", r#"["x"]"#)
            .flag("-f", "ledger.faucet_coins", "0.5");
        let config = sources.load().expect("good values").config;
        assert_eq!(config.network.bootstrap, ["a:1", "b:2"]);
        assert!(!config.network.dht);
        assert_eq!(config.network.name, "123");
        assert_eq!(config.files.download_rate.limit(), Some(10_000_000));
        assert_eq!(config.services.enable, ["x"]);
        assert_eq!(config.ledger.faucet_coins.to_string(), "0.5");
    }

    #[test]
    fn a_bad_value_says_key_place_and_reason() {
        let (_folder, sources) = sources("[overlay]\nport = 99999");
        let error = sources.load().expect_err("no port").to_string();
        assert!(error.contains("`overlay.port`") && error.contains("config.toml"), "{error}");
        let flag = Sources::default().flag("--dht", "network.dht", "perhaps");
        let error = flag.load().expect_err("no bool").to_string();
        assert!(error.contains("network.dht") && error.contains("--dht"), "{error}");
    }

    #[test]
    fn a_broken_file_is_named_and_a_missing_one_is_empty() {
        let (folder, sources) = sources("[api\n");
        assert!(matches!(sources.load(), Err(ConfigError::Syntax { .. })));
        let missing = Sources { file: Some(folder.path().join("none.toml")), ..Sources::default() };
        assert_eq!(missing.load().expect("an empty file").config, Config::default());
    }
}
