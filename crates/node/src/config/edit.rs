//! Reading and changing single settings. A change keeps the file's comments and order, and is refused if the whole could
//! not be followed then.

use std::io::Write as _;
use std::path::Path;

use figment::value::Value;
use toml_edit::{Array, DocumentMut, Item, Table};

use super::error::{ConfigError, EditError};
use super::layers::{Entry, Sources, shapes, typed};

/// The setting `key` as it stands, from all layers.
///
/// # Errors
/// [`ConfigError`] if there is no such key or the configuration cannot be followed.
pub fn get(sources: &Sources, key: &str) -> Result<Entry, ConfigError> {
    let loaded = sources.load()?;
    match loaded.entries.into_iter().find(|entry| entry.key == key) {
        Some(entry) => Ok(entry),
        // Setting it is what finds the error's words.
        None => Err(sources.clone().flag("this command", key, "").load().err().unwrap_or_else(|| unknown(key))),
    }
}

fn unknown(key: &str) -> ConfigError {
    let origin = super::origin::Origin::Flag("this command".into());
    ConfigError::UnknownKey { key: key.into(), origin, nearest: None }
}

/// Writes `key = value` to the configuration file `path`, which is made if it is not there.
///
/// # Errors
/// [`EditError`] if the key is unknown, the value does not fit, or the file cannot be written; it is then as it was.
pub fn set(path: &Path, key: &str, value: &str) -> Result<(), EditError> {
    let sources = Sources { file: Some(path.to_path_buf()), ..Sources::default() };
    // The value as a flag first: its errors name what was asked for, not the file.
    Sources::default().flag("this command", key, value).load()?;
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(ConfigError::Read { path: path.to_path_buf(), source }.into()),
    };
    let mut document: DocumentMut = text.parse().map_err(|error| ConfigError::Syntax {
        path: path.to_path_buf(),
        source: Box::<toml_edit::TomlError>::new(error),
    })?;
    if let Some((section, name)) = key.split_once('.') {
        let table = document.entry(section).or_insert_with(|| Item::Table(Table::new()));
        if let Some(table) = table.as_table_like_mut() {
            table.insert(name, item(&typed(value, shapes().get(key))));
        }
    }
    let text = document.to_string();
    sources.load_with_file_text(Some(&text))?;
    write(path, &text).map_err(|source| EditError::Write { path: path.to_path_buf(), source })
}

/// The values that [`typed`] makes: numbers, booleans, lists of text, text.
fn item(value: &Value) -> Item {
    match value {
        Value::Bool(_, value) => toml_edit::value(*value),
        Value::Num(_, number) => toml_edit::value(number.to_i128().and_then(|n| i64::try_from(n).ok()).unwrap_or(0)),
        Value::Array(_, items) => toml_edit::value(items.iter().filter_map(|item| item.as_str()).collect::<Array>()),
        other => toml_edit::value(other.as_str().unwrap_or_default()),
    }
}

/// Whole or not at all: a node that starts meanwhile reads the old file or the new one.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_data()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_keeps_what_else_stands_in_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deep").join("config.toml");
        set(&path, "network.bootstrap", "a:1, b:2").expect("a new file");
        let remark = "# a remark\n".to_owned() + &std::fs::read_to_string(&path).expect("the file");
        std::fs::write(&path, remark).expect("the remark");
        set(&path, "overlay.port", "0").expect("a number");
        set(&path, "network.dht", "false").expect("a boolean");
        set(&path, "files.upload_rate", "1 MB/s").expect("a rate");
        let text = std::fs::read_to_string(&path).expect("the file");
        assert!(text.starts_with("# a remark\n") && text.contains(r#"bootstrap = ["a:1", "b:2"]"#), "{text}");
        let sources = Sources { file: Some(path), ..Sources::default() };
        assert_eq!(get(&sources, "overlay.port").expect("a key").value, 0);
        assert_eq!(get(&sources, "network.dht").expect("a key").value, false);
        assert_eq!(get(&sources, "files.upload_rate").expect("a key").value, 1_000_000);
    }

    #[test]
    fn what_could_not_be_followed_is_not_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config.toml");
        for (key, value) in [("overlay.port", "70000"), ("overlay.prot", "1"), ("api", "x"), ("api.listen", "here")] {
            assert!(set(&path, key, value).is_err(), "{key}");
        }
        assert!(!path.exists());
        let sources = Sources { file: Some(path), ..Sources::default() };
        let error = get(&sources, "api.listn").expect_err("no such key").to_string();
        assert!(error.contains("did you mean `api.listen`?"), "{error}");
    }
}
