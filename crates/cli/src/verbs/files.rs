//! `weft prioritize`, `limit`, `cat`: which files of a torrent come first, how fast it may be, and reading one of them while
//! it arrives.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::get::numbers;
use super::torrents::find;
use crate::args::Global;
use crate::client::Client;
use crate::failure::{Failure, Result};
use crate::shapes::{File, Limits, Torrent};
use crate::table::plain;
use crate::{output, session, units};

/// Say how much files of a torrent are wanted: high comes first, skip is not fetched.
///
/// With --json, {"info_hash", "priority", "files": [number, …]}.
#[derive(Debug, Args)]
pub(crate) struct Prioritize {
    /// Its info-hash, the first characters of it, or its name
    torrent: String,
    /// How much they are wanted
    priority: Priority,
    /// The files, by their numbers in `weft show`: 0,2,5-7
    #[arg(value_name = "NUMBERS")]
    files: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Priority {
    /// Not fetched
    Skip,
    /// Fetched last
    Low,
    /// Fetched
    Normal,
    /// Fetched first
    High,
}

/// Show or change how fast content may come and go: of one torrent, or over all.
///
/// What is given over all holds until the node stops; `weft config set files.download_rate` lasts. A torrent's own limits
/// last. With --json, {"download": bytes a second or null, "upload": …}.
#[derive(Debug, Args)]
pub(crate) struct Limit {
    /// Its info-hash, the first characters of it, or its name [default: over all torrents]
    torrent: Option<String>,
    /// From peers: `2 MB/s`, `500 kB`, or `none`
    #[arg(long, value_name = "RATE", value_parser = rate)]
    down: Option<Rate>,
    /// To peers: `2 MB/s`, `500 kB`, or `none`
    #[arg(long, value_name = "RATE", value_parser = rate)]
    up: Option<Rate>,
}

/// A limit as it is typed; none is no limit.
#[derive(Debug, Clone, Copy)]
struct Rate(Option<u64>);

/// Write a file of a torrent to standard output, also while it is still arriving: `weft cat film | mpv -`.
///
/// What is written next is fetched before everything else. With --json nothing else is said: the bytes are the answer.
#[derive(Debug, Args)]
pub(crate) struct Cat {
    /// Its info-hash, the first characters of it, or its name
    torrent: String,
    /// The file, by its number in `weft show` or its path [default: the only one]
    file: Option<String>,
}

pub(crate) async fn prioritize(global: &Global, args: Prioritize) -> Result<ExitCode> {
    let client = session::running(global)?;
    let files = numbers(&args.files)?;
    let id = find(&client, &args.torrent).await?;
    let priority = args.priority.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    let priorities: Vec<Value> = files.iter().map(|file| json!({ "file": file, "priority": priority })).collect();
    client.put(&format!("/api/v1/files/torrents/{id}/priorities"), &json!({ "priorities": priorities })).await?;
    if global.json {
        output::say_json(&json!({ "info_hash": id, "priority": priority, "files": files }));
    } else {
        output::say(format!("{priority}: {} of {id}", units::count(files.len(), "file")));
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn limit(global: &Global, args: Limit) -> Result<ExitCode> {
    let client = session::running(global)?;
    let id = match &args.torrent {
        Some(name) => Some(find(&client, name).await?),
        None => None,
    };
    let mut limits = limits(&client, id.as_deref()).await?;
    if args.down.is_some() || args.up.is_some() {
        limits.download = args.down.map_or(limits.download, |rate| rate.0);
        limits.upload = args.up.map_or(limits.upload, |rate| rate.0);
        let path = match &id {
            Some(id) => format!("/api/v1/files/torrents/{id}/limits"),
            None => "/api/v1/files/limits".to_owned(),
        };
        client.put(&path, &json!({ "download": limits.download, "upload": limits.upload })).await?;
    }
    if global.json {
        output::say_json(&json!({ "download": limits.download, "upload": limits.upload }));
        return Ok(ExitCode::SUCCESS);
    }
    let shown = |rate: Option<u64>| rate.map_or_else(|| "no limit".to_owned(), units::rate);
    output::say(format!("down  {}\nup    {}", shown(limits.download), shown(limits.upload)));
    if id.is_none() && (args.down.is_some() || args.up.is_some()) {
        output::note("until the node stops; `weft config set files.download_rate …` lasts");
    }
    Ok(ExitCode::SUCCESS)
}

async fn limits(client: &Client, id: Option<&str>) -> Result<Limits> {
    match id {
        Some(id) => Ok(client.get::<Torrent>(&format!("/api/v1/files/torrents/{id}")).await?.limits),
        None => client.get("/api/v1/files/limits").await,
    }
}

pub(crate) async fn cat(global: &Global, args: Cat) -> Result<ExitCode> {
    let client = session::running(global)?;
    let id = find(&client, &args.torrent).await?;
    let torrent: Torrent = client.get(&format!("/api/v1/files/torrents/{id}")).await?;
    let file = choose(&torrent.files, args.file.as_deref())?;
    let (index, size) = (file.index, file.size);
    let mut answer = client.stream(&format!("/api/v1/files/torrents/{id}/files/{index}/content")).await?;
    let mut written = 0;
    let broken_off = |written: u64| {
        Failure::new(format!("the file broke off after {} of {}", units::bytes(written), units::bytes(size)))
            .mend("see why with `weft show`; it may have been paused or removed")
    };
    while let Some(bytes) = answer.chunk().await.map_err(|_| broken_off(written))? {
        output::say_bytes(&bytes);
        written += bytes.len() as u64;
    }
    if written < size { Err(broken_off(written)) } else { Ok(ExitCode::SUCCESS) }
}

/// The file that is meant: by its number, else by its path, else the only one.
fn choose<'a>(files: &'a [File], named: Option<&str>) -> Result<&'a File> {
    let list = "list them with `weft show`";
    match (named, files) {
        (None, [only]) => Ok(only),
        (None, []) => Err(Failure::new("its files are not known yet").mend("wait until a peer has sent the metadata")),
        (None, several) => Err(Failure::usage(format!("it has {} files: say which", several.len())).mend(list)),
        (Some(named), files) => {
            let number = named.parse::<usize>().ok();
            let by_number = files.iter().find(|file| Some(file.index) == number);
            let found = by_number.or_else(|| files.iter().find(|file| file.path == named));
            found.ok_or_else(|| Failure::new(format!("it has no file `{}`", plain(named))).mend(list))
        }
    }
}

/// Bytes a second as people write them, in the same way as in the configuration.
fn rate(text: &str) -> std::result::Result<Rate, String> {
    if text.eq_ignore_ascii_case("none") {
        return Ok(Rate(None));
    }
    let rate: weft_node::Rate = text.parse().map_err(|error| format!("{error}"))?;
    Ok(Rate(rate.limit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(index: usize, path: &str) -> File {
        File { index, path: path.into(), size: 1, done: 0, priority: "normal".into() }
    }

    #[test]
    fn a_file_is_meant_by_number_or_path() {
        let files = [file(0, "a"), file(2, "b/c"), file(3, "2")];
        assert_eq!(choose(&files, Some("2")).map(|file| file.index).ok(), Some(2), "a number before a name");
        assert_eq!(choose(&files, Some("b/c")).map(|file| file.index).ok(), Some(2));
        assert_eq!(choose(&files[..1], None).map(|file| file.index).ok(), Some(0));
        for (files, named, exit) in [(&files[..], None, 2), (&files, Some("c"), 1), (&[], None, 1)] {
            assert_eq!(choose(files, named).err().map(|failure| failure.exit as u8), Some(exit), "{named:?}");
        }
    }

    #[test]
    fn limits_are_rates_or_none() {
        assert_eq!(rate("2 MB/s").map(|rate| rate.0), Ok(Some(2_000_000)));
        assert_eq!((rate("None").map(|rate| rate.0), rate("0").map(|rate| rate.0)), (Ok(None), Ok(None)));
        assert!(rate("fast").is_err());
    }
}
