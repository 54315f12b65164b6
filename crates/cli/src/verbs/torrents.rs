//! `weft ls`, `show`, `pause`, `resume`, `remove`: the list, and what is done to one of it.

use std::process::ExitCode;

use clap::Args;
use reqwest::Method;
use serde_json::{Value, json};

use crate::args::Global;
use crate::client::Client;
use crate::failure::{Failure, Result};
use crate::shapes::{Peer, Torrent};
use crate::table::{Align, Table, plain};
use crate::{output, session, units};

/// 4 characters of an info-hash: fewer are more likely a slip than a name.
const LEAST_PREFIX: usize = 4;

/// 200 files are shown; a list of more is read with --json.
const SHOWN_FILES: usize = 200;

/// List what you share and get.
///
/// With --json, the array of `GET /api/v1/files/torrents`.
#[derive(Debug, Args)]
pub(crate) struct Ls {}

/// Show one torrent with its peers, files and trackers.
///
/// With --json, the object of `GET /api/v1/files/torrents/{info_hash}`.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Its info-hash, the first characters of it, or its name
    torrent: String,
}

/// Stop torrents for now.
///
/// With --json, {"paused": [info-hash, …]}.
#[derive(Debug, Args)]
pub(crate) struct Pause {
    /// Info-hashes, the first characters of them, or names
    #[arg(required = true)]
    torrents: Vec<String>,
}

/// Go on with paused torrents.
///
/// With --json, {"resumed": [info-hash, …]}.
#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// Info-hashes, the first characters of them, or names
    #[arg(required = true)]
    torrents: Vec<String>,
}

/// Take torrents out of the list. Their files stay, unless --data is given.
///
/// With --json, {"removed": [info-hash, …]}.
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// Info-hashes, the first characters of them, or names
    #[arg(required = true)]
    torrents: Vec<String>,
    /// Delete their files too
    #[arg(long)]
    data: bool,
}

pub(crate) async fn ls(global: &Global, _: Ls) -> Result<ExitCode> {
    let client = session::running(global)?;
    let answer: Value = client.get("/api/v1/files/torrents").await?;
    if global.json {
        output::say_json_pretty(&answer);
        return Ok(ExitCode::SUCCESS);
    }
    let torrents: Vec<Torrent> = serde_json::from_value(answer)?;
    if torrents.is_empty() {
        output::note("nothing yet: `weft share PATH` shares, `weft get LINK` gets");
        return Ok(ExitCode::SUCCESS);
    }
    let columns = [
        ("INFO-HASH", Align::Left),
        ("STATE", Align::Left),
        ("DONE", Align::Right),
        ("SIZE", Align::Right),
        ("DOWN", Align::Right),
        ("UP", Align::Right),
        ("NAME", Align::Left),
    ];
    let mut table = Table::new(&columns);
    for torrent in &torrents {
        table.row([
            torrent.info_hash.get(..10).unwrap_or_default().to_owned(),
            torrent.state.clone(),
            units::percent(torrent.progress, torrent.complete),
            units::bytes(torrent.size),
            units::rate(torrent.rate_down),
            units::rate(torrent.rate_up),
            torrent.name.clone(),
        ]);
    }
    output::say(table.render());
    for (name, trouble) in torrents.iter().filter_map(|torrent| Some((&torrent.name, torrent.trouble.as_ref()?))) {
        output::note(format!("{}: {}\n  mend: {}", plain(name), trouble.message, trouble.mend));
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn show(global: &Global, args: Show) -> Result<ExitCode> {
    let client = session::running(global)?;
    let id = find(&client, &args.torrent).await?;
    let answer: Value = client.get(&format!("/api/v1/files/torrents/{id}")).await?;
    if global.json {
        output::say_json_pretty(&answer);
        return Ok(ExitCode::SUCCESS);
    }
    let torrent: Torrent = serde_json::from_value(answer)?;
    let link: Value = client.get(&format!("/api/v1/files/torrents/{id}/magnet")).await?;
    show_head(&torrent, link["magnet"].as_str().unwrap_or_default());
    show_peers(&torrent.peers);
    show_trackers(&torrent);
    show_files(&torrent);
    Ok(ExitCode::SUCCESS)
}

fn show_head(torrent: &Torrent, link: &str) {
    let line = |name: &str, value: String| output::say(format!("{name:<10} {}", plain(&value)));
    line("name", torrent.name.clone());
    line("info-hash", torrent.info_hash.clone());
    line("folder", torrent.dir.clone());
    line("state", torrent.state.clone());
    if let Some(trouble) = &torrent.trouble {
        output::say(format!("  error: {}\n  mend: {}", plain(&trouble.message), plain(&trouble.mend)));
    }
    for warning in &torrent.warnings {
        output::say(format!("  warning: {}\n  mend: {}", plain(&warning.message), plain(&warning.mend)));
    }
    let (done, wanted) = (units::bytes(torrent.done), units::bytes(torrent.wanted));
    line("done", format!("{done} of {wanted} ({})", units::percent(torrent.progress, torrent.complete)));
    let (pieces, length) = (torrent.pieces, units::bytes(torrent.piece_length.into()));
    line("pieces", format!("{} of {pieces}, {length} each", torrent.pieces_done));
    let (down, up) = (units::bytes(torrent.downloaded), units::bytes(torrent.uploaded));
    line("got", format!("{down} at {}", units::rate(torrent.rate_down)));
    line("given", format!("{up} at {}, ratio {:.2}", units::rate(torrent.rate_up), torrent.ratio));
    if let Some(eta) = torrent.eta_seconds {
        line("left", units::seconds(eta));
    }
    if torrent.private {
        line("private", "only its trackers tell of peers".into());
    }
    line("link", link.to_owned());
}

fn show_peers(peers: &[Peer]) {
    if peers.is_empty() {
        output::say("\nno peer is connected");
        return;
    }
    let columns = [
        ("PEER", Align::Left),
        ("PATH", Align::Left),
        ("HAS", Align::Right),
        ("GOT", Align::Right),
        ("DOWN", Align::Right),
        ("GIVEN", Align::Right),
        ("UP", Align::Right),
        ("CLIENT", Align::Left),
    ];
    let mut table = Table::new(&columns);
    for peer in peers {
        let who = peer.key.clone().or_else(|| peer.address.clone()).unwrap_or_else(|| "?".into());
        table.row([
            who,
            peer.path.clone(),
            units::percent(peer.progress, peer.progress >= 1.0),
            units::bytes(peer.downloaded),
            units::rate(peer.rate_down),
            units::bytes(peer.uploaded),
            units::rate(peer.rate_up),
            peer.client.clone(),
        ]);
    }
    output::say(format!("\n{}", table.render()));
}

fn show_trackers(torrent: &Torrent) {
    if torrent.trackers.is_empty() {
        return;
    }
    let columns = [
        ("TRACKER", Align::Left),
        ("STATE", Align::Left),
        ("SEEDERS", Align::Right),
        ("LEECHERS", Align::Right),
        ("SAYS", Align::Left),
    ];
    let mut table = Table::new(&columns);
    let count = |count: Option<u32>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
    for tracker in &torrent.trackers {
        let says = tracker.message.clone().unwrap_or_default();
        table.row([tracker.url.clone(), tracker.state.clone(), count(tracker.seeders), count(tracker.leechers), says]);
    }
    output::say(format!("\n{}", table.render()));
}

fn show_files(torrent: &Torrent) {
    if torrent.files.is_empty() {
        return;
    }
    let columns = [
        ("FILE", Align::Right),
        ("SIZE", Align::Right),
        ("DONE", Align::Right),
        ("WANTED", Align::Left),
        ("PATH", Align::Left),
    ];
    let mut table = Table::new(&columns);
    for file in torrent.files.iter().take(SHOWN_FILES) {
        let done = match file.size {
            0 => "-".into(),
            #[allow(clippy::cast_precision_loss)]
            size => units::percent(file.done as f64 / size as f64, file.done == size),
        };
        let wanted = file.priority.clone();
        table.row([file.index.to_string(), units::bytes(file.size), done, wanted, file.path.clone()]);
    }
    output::say(format!("\n{}", table.render()));
    if torrent.files.len() > SHOWN_FILES {
        output::say(format!("… and {} more: see --json", torrent.files.len() - SHOWN_FILES));
    }
}

pub(crate) async fn pause(global: &Global, args: Pause) -> Result<ExitCode> {
    each(global, &args.torrents, "paused", |id| (Method::POST, format!("/api/v1/files/torrents/{id}/pause"))).await
}

pub(crate) async fn resume(global: &Global, args: Resume) -> Result<ExitCode> {
    each(global, &args.torrents, "resumed", |id| (Method::POST, format!("/api/v1/files/torrents/{id}/resume"))).await
}

pub(crate) async fn remove(global: &Global, args: Remove) -> Result<ExitCode> {
    let data = args.data;
    each(global, &args.torrents, "removed", |id| (Method::DELETE, format!("/api/v1/files/torrents/{id}?data={data}")))
        .await
}

/// Finds all first, so that a slip in one name changes nothing.
async fn each(
    global: &Global,
    names: &[String],
    done: &str,
    order: impl Fn(&str) -> (Method, String),
) -> Result<ExitCode> {
    let client = session::running(global)?;
    let mut ids = Vec::new();
    for name in names {
        ids.push(find(&client, name).await?);
    }
    for id in &ids {
        let (method, path) = order(id);
        client.order(method, &path).await?;
        if !global.json {
            output::say(format!("{done} {id}"));
        }
    }
    if global.json {
        output::say_json(&json!({ done: ids }));
    }
    Ok(ExitCode::SUCCESS)
}

/// The info-hash of the one torrent that `name` means.
pub(super) async fn find(client: &Client, name: &str) -> Result<String> {
    let torrents: Vec<Torrent> = client.get("/api/v1/files/torrents").await?;
    let all: Vec<(&str, &str)> = torrents.iter().map(|t| (t.info_hash.as_str(), t.name.as_str())).collect();
    choose(&all, name).map(str::to_owned)
}

fn choose<'a>(torrents: &[(&'a str, &str)], name: &str) -> Result<&'a str> {
    let wanted = name.to_ascii_lowercase();
    let prefixed = |id: &str| wanted.len() >= LEAST_PREFIX && id.starts_with(&wanted);
    let found: Vec<&str> =
        torrents.iter().filter(|(id, title)| prefixed(id) || *title == name).map(|(id, _)| *id).collect();
    match found.as_slice() {
        [id] => Ok(id),
        [] => Err(Failure::new(format!("there is no torrent `{}`", plain(name))).mend("list them with `weft ls`")),
        several => Err(Failure::usage(format!("`{}` means {} torrents", plain(name), several.len()))
            .mend("give more of the info-hash")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_one_torrent_or_none() {
        let all = [("abcdef01", "one"), ("abcdff02", "two"), ("12345678", "two")];
        assert_eq!(choose(&all, "ABCDE").ok(), Some("abcdef01"));
        assert_eq!(choose(&all, "one").ok(), Some("abcdef01"));
        for (name, exit) in [("abcd", 2), ("two", 2), ("abc", 1), ("none", 1)] {
            assert_eq!(choose(&all, name).err().map(|failure| failure.exit as u8), Some(exit), "{name}");
        }
    }
}
