//! `weft get`: what a link, a `.torrent` file or an info-hash names.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use data_encoding::BASE64;
use serde_json::{Map, Value, json};

use crate::args::{Global, NetworkArgs};
use crate::client::Client;
use crate::failure::{Exit, Failure, Result};
use crate::interrupt::interrupted;
use crate::progress::{Progress, Step};
use crate::session;
use crate::shapes::{Added, Torrent};
use crate::table::plain;
use crate::{output, units};

/// A bar is no smoother for more than four looks a second.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// 16 MiB: no `.torrent` is larger.
const MAX_TORRENT_BYTES: u64 = 16 << 20;

/// 30 s for a `.torrent` from a web server.
const FETCH_TIMEOUT: Duration = Duration::from_secs(30);

/// Get what a link names. Ends when everything is there; Ctrl-C stops it, and the same command goes on later.
///
/// A running node does the work, and goes on sharing it. Without one, this command does it itself.
///
/// With --json, lines of {"type": "progress", "info_hash", "name", "state", "done", "wanted", "progress", "rate_down",
/// "rate_up", "peers", "eta_seconds"}, then one of {"type": "complete", "info_hash", "name", "path", "size", "downloaded"}.
#[derive(Debug, Args)]
pub(crate) struct Get {
    /// A magnet link, a .torrent file or its web address, or an info-hash
    link: String,
    /// The folder to put it in [default: setting files.dir]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Only these files, by their numbers in `weft show`: 0,2,5-7
    #[arg(long, value_name = "NUMBERS")]
    select: Option<String>,
    /// A peer that has it, as IP:PORT or peer key; may be given several times
    #[arg(long, value_name = "PEER")]
    peer: Vec<String>,
    /// A tracker beside those of the link; may be given several times
    #[arg(long, value_name = "URL")]
    tracker: Vec<String>,
    /// Go on sharing it after it is complete, until Ctrl-C
    #[arg(long)]
    seed: bool,
    /// Give up after so many seconds (exit code 5); what is there is kept
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
    #[command(flatten)]
    network: NetworkArgs,
}

pub(crate) async fn run(global: &Global, args: Get) -> Result<ExitCode> {
    let mut body = source(&args.link).await?;
    let dir = args.dir.as_ref().map(std::path::absolute).transpose()?;
    let select = args.select.as_deref().map(numbers).transpose()?;
    for (key, value) in
        [("dir", json!(dir)), ("select", json!(select)), ("peers", json!(args.peer)), ("trackers", json!(args.tracker))]
    {
        if !value.is_null() {
            body.insert(key.into(), value);
        }
    }
    let mut stop = std::pin::pin!(interrupted());
    let session = session::running_or_own(global, &args.network).await?;
    let body = Value::Object(body);
    let mut progress = Progress::new(global.json);
    let got = tokio::select! {
        stopped = stop.as_mut() => stopped.and_then(|()| Err(stopped_early(session.is_own()))),
        () = given_up(args.timeout) => Err(timed_out(args.timeout)),
        got = get(&session.client, &body, dir.as_deref(), &mut progress) => got,
    };
    progress.end();
    match got {
        Ok(torrent) => {
            tell(&torrent, global.json);
            if args.seed && session.is_own() {
                output::note("sharing until Ctrl-C");
                stop.await?;
            }
            session.end().await;
            Ok(ExitCode::SUCCESS)
        }
        Err(failure) => {
            session.end().await;
            Err(failure)
        }
    }
}

fn stopped_early(own: bool) -> Failure {
    if own {
        return Failure::new("stopped before it was complete").mend("the same command goes on where this one stopped");
    }
    Failure::new("no longer watching; the node goes on").mend("see `weft ls`, or stop it with `weft pause`")
}

async fn given_up(timeout: Option<u64>) {
    match timeout {
        Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
        None => std::future::pending().await,
    }
}

fn timed_out(timeout: Option<u64>) -> Failure {
    Failure::new(format!("not complete after {} s", timeout.unwrap_or_default()))
        .exit(Exit::TimedOut)
        .mend("the same command goes on where this one stopped; `weft doctor` says whether anything is wrong here")
}

async fn get(client: &Client, body: &Value, dir: Option<&Path>, progress: &mut Progress) -> Result<Torrent> {
    let added: Added = client.post("/api/v1/files/torrents", body).await?;
    let id = added.torrent.info_hash;
    if let Some(dir) = dir.filter(|dir| *dir != Path::new(&added.torrent.dir)) {
        progress.remark(&format!("it is in {} already, not in {}", added.torrent.dir, dir.display()));
    }
    if added.torrent.state == "paused" {
        client.order(reqwest::Method::POST, &format!("/api/v1/files/torrents/{id}/resume")).await?;
    }
    let mut trouble_said: Option<String> = None;
    loop {
        let torrent: Torrent = client.get(&format!("/api/v1/files/torrents/{id}")).await?;
        progress.step(&step(&torrent));
        if torrent.complete {
            return Ok(torrent);
        }
        if let Some(trouble) = &torrent.trouble {
            // It goes on by itself when mended, so this is no end; but it is said once.
            if trouble_said.as_ref() != Some(&trouble.message) {
                progress.remark(&format!("error: {}\n  mend: {}", trouble.message, trouble.mend));
                trouble_said = Some(trouble.message.clone());
            }
        } else {
            trouble_said = None;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn step(torrent: &Torrent) -> Step<'_> {
    let peers = torrent.peers.len();
    let word = if peers == 1 { "peer" } else { "peers" };
    let mut rest = match torrent.state.as_str() {
        "downloading" => format!("{}, {peers} {word}", units::rate(torrent.rate_down)),
        "fetching-metadata" => format!("asking {peers} {word} what it is"),
        other => other.to_owned(),
    };
    if let Some(eta) = torrent.eta_seconds {
        rest.push_str(&format!(", {} left", units::seconds(eta)));
    }
    Step {
        what: &torrent.name,
        done: torrent.done,
        total: torrent.wanted,
        amount: format!("{} of {}", units::bytes(torrent.done), units::bytes(torrent.wanted)),
        rest,
        json: json!({
            "type": "progress", "info_hash": torrent.info_hash, "name": torrent.name, "state": torrent.state,
            "done": torrent.done, "wanted": torrent.wanted, "progress": torrent.progress,
            "rate_down": torrent.rate_down, "rate_up": torrent.rate_up, "peers": peers,
            "eta_seconds": torrent.eta_seconds,
        }),
    }
}

fn tell(torrent: &Torrent, json: bool) {
    let path = Path::new(&torrent.dir).join(&torrent.name);
    if json {
        let answer = json!({ "type": "complete", "info_hash": torrent.info_hash, "name": torrent.name, "path": path,
            "size": torrent.size, "downloaded": torrent.downloaded });
        output::say_json(&answer);
    } else {
        output::note(format!("complete: {} ({})", plain(&torrent.name), units::bytes(torrent.wanted)));
        output::say(plain(&path.display().to_string()));
    }
}

/// What a link is, as the API's request says it.
async fn source(link: &str) -> Result<Map<String, Value>> {
    let (key, value) = match kind_of(link)? {
        Kind::Magnet => ("magnet", link.trim().to_owned()),
        Kind::InfoHash => ("info_hash", link.trim().to_owned()),
        Kind::File => ("metainfo", BASE64.encode(&read_torrent(Path::new(link))?)),
        Kind::Web => ("metainfo", BASE64.encode(&fetch(link).await?)),
    };
    Ok(Map::from_iter([(key.to_owned(), Value::String(value))]))
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Magnet,
    InfoHash,
    File,
    Web,
}

fn kind_of(link: &str) -> Result<Kind> {
    let trimmed = link.trim();
    let begins = |scheme: &str| trimmed.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    if begins("magnet:") {
        return Ok(Kind::Magnet);
    }
    if begins("weft:") {
        return Err(
            Failure::usage("this link is an invitation, not something to get").mend("accept it with `weft add-peer`")
        );
    }
    if begins("http://") || begins("https://") {
        return Ok(Kind::Web);
    }
    if Path::new(link).is_file() {
        return Ok(Kind::File);
    }
    let hex = trimmed.len() == 40 && trimmed.bytes().all(|b| b.is_ascii_hexdigit());
    let base32 = trimmed.len() == 32 && trimmed.bytes().all(|b| b.is_ascii_alphanumeric());
    if hex || base32 {
        return Ok(Kind::InfoHash);
    }
    Err(Failure::usage(format!("`{}` is no magnet link, no .torrent file and no info-hash", plain(trimmed)))
        .mend("put the whole link in quotes, or check the file's name"))
}

fn read_torrent(path: &Path) -> Result<Vec<u8>> {
    let read = || {
        let size = std::fs::metadata(path)?.len();
        if size > MAX_TORRENT_BYTES {
            return Err(std::io::Error::other("it is larger than any .torrent file"));
        }
        std::fs::read(path)
    };
    read().map_err(|error| Failure::new(format!("cannot read {}: {error}", path.display())).mend("check the file"))
}

/// A `.torrent` file from a web server, as the person at the keyboard asked.
async fn fetch(url: &str) -> Result<Vec<u8>> {
    let failed = |error: reqwest::Error| {
        let exit = if error.is_timeout() { Exit::TimedOut } else { Exit::Unreachable };
        Failure::of(&error).exit(exit).mend("get the .torrent file with a browser, then name that file")
    };
    let client = reqwest::Client::builder().timeout(FETCH_TIMEOUT).build().map_err(failed)?;
    let answer = client.get(url).send().await.and_then(reqwest::Response::error_for_status);
    let mut answer = answer.map_err(failed)?;
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() as u64 > MAX_TORRENT_BYTES {
            return Err(Failure::new("what the server sends is larger than any .torrent file").mend("check the link"));
        }
    }
    Ok(bytes)
}

/// `0,2,5-7`.
pub(super) fn numbers(text: &str) -> Result<Vec<usize>> {
    let bad = || {
        Failure::usage(format!("`{text}` is no list of file numbers"))
            .mend("write it as 0,2,5-7; `weft show` numbers them")
    };
    // A torrent has at most some hundred thousand files: a range is not a way to fill memory.
    const MOST: usize = 1_000_000;
    let mut all = Vec::new();
    for part in text.split(',').map(str::trim) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let range = first.parse::<usize>().ok().zip(last.parse::<usize>().ok());
        let (first, last) = range.filter(|(first, last)| first <= last && last - first < MOST).ok_or_else(bad)?;
        all.extend(first..=last);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_told_apart() {
        let hash = "0123456789abcdef0123456789ABCDEF01234567";
        assert_eq!(kind_of("MAGNET:?xt=urn:btih:x").ok(), Some(Kind::Magnet));
        assert_eq!(kind_of(&format!(" {hash}\n")).ok(), Some(Kind::InfoHash));
        assert_eq!(kind_of("https://example.com/a.torrent").ok(), Some(Kind::Web));
        assert_eq!(kind_of("weft:abc").err().map(|failure| failure.exit), Some(Exit::Usage));
        assert_eq!(kind_of("no-such-file.torrent").err().map(|failure| failure.exit), Some(Exit::Usage));
    }

    #[test]
    fn file_numbers_are_lists_and_ranges() {
        assert_eq!(numbers("0, 2,5-7").ok(), Some(vec![0, 2, 5, 6, 7]));
        for bad in ["", "a", "3-1", "1-", "0-99999999999"] {
            assert!(numbers(bad).is_err(), "{bad}");
        }
    }
}
