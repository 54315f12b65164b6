//! `weft share`: a file or folder, under a link.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use crate::args::{Global, NetworkArgs};
use crate::client::Client;
use crate::failure::{Failure, Result};
use crate::interrupt::interrupted;
use crate::progress::{Progress, Step};
use crate::session::{self, Session};
use crate::shapes::{Added, Creation};
use crate::table::plain;
use crate::{output, units};

/// A bar is no smoother for more than five looks a second.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Share a file or folder, and print the link by which others get it.
///
/// A running node takes it over. Without one, this command serves it itself until Ctrl-C.
///
/// With --json, lines of {"type": "hashing", "path", "done", "total"}, then one of {"type": "shared", "info_hash", "name",
/// "size", "link", "serving"}.
#[derive(Debug, Args)]
pub(crate) struct Share {
    /// What to share
    path: PathBuf,
    /// Leave this device's key out of the link: anybody who reads it learns the content alone
    #[arg(long)]
    public: bool,
    /// Only the trackers may tell of peers (BEP 27)
    #[arg(long, requires = "tracker")]
    private: bool,
    /// A tracker to announce to; may be given several times
    #[arg(long, value_name = "URL")]
    tracker: Vec<String>,
    /// Write the .torrent file here too
    #[arg(long, value_name = "FILE")]
    torrent_out: Option<PathBuf>,
    /// Bytes a piece, a power of two from 16384 [default: by the size]
    #[arg(long, value_name = "BYTES")]
    piece_length: Option<u32>,
    /// A remark that others see
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
    #[command(flatten)]
    network: NetworkArgs,
}

pub(crate) async fn run(global: &Global, args: Share) -> Result<ExitCode> {
    let path = std::fs::canonicalize(&args.path).map_err(|error| {
        Failure::new(format!("cannot share {}: {error}", args.path.display()))
            .mend("check that it is there and that you may read it")
    })?;
    let mut stop = std::pin::pin!(interrupted());
    let session = session::running_or_own(global, &args.network).await?;
    let shared = tokio::select! {
        stopped = stop.as_mut() => stopped.and_then(|()| Err(Failure::new("stopped; nothing is shared"))),
        shared = share(&session.client, &path, &args, global.json) => shared,
    };
    let shared = match shared {
        Ok(shared) => shared,
        Err(failure) => {
            session.end().await;
            return Err(failure);
        }
    };
    tell(&shared, &session, global.json);
    if session.is_own() {
        stop.await?;
    }
    session.end().await;
    Ok(ExitCode::SUCCESS)
}

async fn share(client: &Client, path: &std::path::Path, args: &Share, json: bool) -> Result<Added> {
    let body = json!({
        "path": path,
        "public": args.public,
        "private": args.private,
        "trackers": args.tracker,
        "piece_length": args.piece_length,
        "comment": args.comment,
    });
    let shared: Added = {
        let mut progress = Progress::new(json);
        let mut sharing = std::pin::pin!(client.post("/api/v1/files/torrents", &body));
        loop {
            tokio::select! {
                shared = sharing.as_mut() => break shared.inspect_err(|_| progress.end())?,
                () = tokio::time::sleep(LOOK_EVERY) => look(client, path, &mut progress).await,
            }
        }
    };
    if let Some(file) = &args.torrent_out {
        let path = format!("/api/v1/files/torrents/{}/metainfo", shared.torrent.info_hash);
        std::fs::write(file, client.bytes(&path).await?).map_err(|error| {
            Failure::new(format!("cannot write {}: {error}", file.display())).mend("choose another place")
        })?;
    }
    Ok(shared)
}

/// How far the hashing is. It is a look, not the work: what it cannot see it does not show.
async fn look(client: &Client, path: &std::path::Path, progress: &mut Progress) {
    let Ok(creations) = client.get::<Vec<Creation>>("/api/v1/files/creations").await else { return };
    let Some(creation) = creations.iter().find(|creation| std::path::Path::new(&creation.path) == path) else { return };
    progress.step(&Step {
        what: path.file_name().and_then(|name| name.to_str()).unwrap_or("hashing"),
        done: creation.done,
        total: creation.total,
        amount: format!("{} of {}", units::bytes(creation.done), units::bytes(creation.total)),
        rest: format!("hashed of {}", units::bytes(creation.total)),
        json: json!({ "type": "hashing", "path": path, "done": creation.done, "total": creation.total }),
    });
}

fn tell(shared: &Added, session: &Session, json: bool) {
    let torrent = &shared.torrent;
    if json {
        let serving = if session.is_own() { "this-command" } else { "node" };
        let answer = json!({ "type": "shared", "info_hash": torrent.info_hash, "name": torrent.name,
            "size": torrent.size, "link": shared.link, "serving": serving });
        output::say_json(&answer);
        return;
    }
    output::note(format!("sharing {} ({})", plain(&torrent.name), units::bytes(torrent.size)));
    for warning in &torrent.warnings {
        output::note(format!("warning: {}\n  mend: {}", warning.message, warning.mend));
    }
    output::say(&shared.link);
    output::note("get it elsewhere with: weft get 'LINK'");
    if session.is_own() {
        output::note("serving until Ctrl-C");
    }
}
