//! Full disks, read-only folders, files that change: the right words, nothing wrong served, and on it goes once mended.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use weft_lab::api::{Torrent, Trouble};
use weft_lab::clients::Source;
use weft_lab::data::{random_file, same};
use weft_lab::disk::SmallDisk;
use weft_lab::peer::Peer;
use weft_lab::process::until;

use crate::observer::{Original, Witness};
use crate::scene::{LONG, Scene, say, weft_completes, weft_reaches};

const PIECE: u32 = 1 << 18;

fn troubled(torrent: &Torrent, kind: &str) -> bool {
    torrent.state == "error" && torrent.trouble.as_ref().is_some_and(|t| t.kind == kind)
}

/// Trouble must say what happened and what mends it.
fn said(trouble: Option<&Trouble>) -> Result<()> {
    let trouble = trouble.context("no trouble is named")?;
    ensure!(!trouble.message.is_empty() && !trouble.mend.is_empty(), "trouble without words: {trouble:?}");
    say(format!("{}: {} | {}", trouble.kind, trouble.message, trouble.mend));
    Ok(())
}

async fn fetch(leecher: &Peer, metainfo: &[u8], from: &Peer, folder: &std::path::Path) -> Result<String> {
    let options = json!({ "dir": folder, "peers": [from.node()?.tcp.to_string()] });
    leecher.api()?.add_with(Source::Metainfo(metainfo), options).await
}

/// Waits until a witness has looked at all that a node announces.
async fn all_checked(witness: &Witness) -> Result<crate::observer::Seen> {
    until("the witness to have looked at every announced piece", Duration::from_secs(40), || async {
        let seen = witness.check()?;
        let looked = |p: &u32| seen.right.contains(p) || seen.refused.contains(p);
        Ok((seen.connections > 0 && seen.announced.iter().all(looked)).then_some(seen))
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_disk_of_the_content_is_full() -> Result<()> {
    let Some(scene) = Scene::set("the_disk_of_the_content_is_full").await? else { return Ok(()) };
    let path = scene.path("original.bin");
    random_file(&path, 48 << 20, 41)?;
    let metainfo = scene.torrent_of(&path, PIECE, "")?;
    let disk = SmallDisk::mount(&scene.path("small"), 64)?;
    disk.fill(20 << 20)?;
    let seeder = scene.weft("seeder").await?;
    let hash = seeder.api()?.add(Source::Metainfo(&metainfo), path.parent()).await?;
    weft_completes(&seeder, &hash).await?;
    let leecher = scene.weft("leecher").await?;
    fetch(&leecher, &metainfo, &seeder, disk.path()).await?;
    let full = weft_reaches(&leecher, &hash, LONG, "disk-full", |t| troubled(t, "disk-full")).await?;
    said(full.trouble.as_ref())?;
    let (watch, _) = scene.machine("witness")?;
    let witness = Witness::of(&watch, leecher.node()?.tcp, Original::read(&path, &metainfo)?)?;
    // The same node is otherwise well: it answers, and another torrent on another disk goes on.
    let other = scene.path("other.bin");
    random_file(&other, 8 << 20, 42)?;
    let shared = leecher.api()?.share(&other).await?;
    weft_completes(&leecher, &shared.info_hash).await?;

    disk.empty()?;
    let done = weft_completes(&leecher, &hash).await?;
    same(&path, &disk.path().join("original.bin"))?;
    let seen = all_checked(&witness).await?;
    say(format!(
        "full at {} of {} pieces; complete after the mend; {} pieces checked by a witness",
        full.pieces_done,
        done.pieces,
        seen.right.len()
    ));
    ensure!(done.trouble.is_none(), "it still speaks of {:?}", done.trouble);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_disk_of_the_data_folder_is_full() -> Result<()> {
    let Some(scene) = Scene::set("the_disk_of_the_data_folder_is_full").await? else { return Ok(()) };
    let path = scene.path("original.bin");
    random_file(&path, 48 << 20, 43)?;
    let metainfo = scene.torrent_of(&path, PIECE, "")?;
    let seeder = scene.weft("seeder").await?;
    let hash = seeder.api()?.add(Source::Metainfo(&metainfo), path.parent()).await?;
    weft_completes(&seeder, &hash).await?;

    let (place, host) = scene.machine("leecher")?;
    let disk = SmallDisk::mount(&scene.path("leecher"), 256)?;
    let files = scene.path("leecher-files");
    fs::create_dir_all(&files)?;
    let mut leecher = scene.weft_at("leecher", place, &scene.config(host)).await?;
    disk.fill(0)?;
    fetch(&leecher, &metainfo, &seeder, &files).await?;
    // Content is on another disk: it arrives, and the node says that it could not remember so.
    let done = weft_completes(&leecher, &hash).await?;
    same(&path, &files.join("original.bin"))?;
    let warned = |t: &Torrent| t.warnings.iter().any(|w| w.kind == "resume-not-saved");
    let warning = weft_reaches(&leecher, &hash, Duration::from_secs(30), "a warning", warned).await?;
    said(warning.warnings.iter().find(|w| w.kind == "resume-not-saved"))?;
    ensure!(done.pieces_done == done.pieces);

    disk.empty()?;
    let quiet = |t: &Torrent| !warned(t);
    weft_reaches(&leecher, &hash, Duration::from_secs(90), "the warning to end", quiet).await?;
    // Remembered now: a new start knows it without a download.
    leecher.kill()?;
    leecher.launch().await?;
    let again = weft_completes(&leecher, &hash).await?;
    ensure!(again.wasted == 0 && again.complete);
    leecher.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_folder_is_read_only() -> Result<()> {
    let Some(scene) = Scene::set("the_folder_is_read_only").await? else { return Ok(()) };
    let path = scene.path("original.bin");
    random_file(&path, 24 << 20, 44)?;
    let metainfo = scene.torrent_of(&path, PIECE, "")?;
    let seeder = scene.weft("seeder").await?;
    let hash = seeder.api()?.add(Source::Metainfo(&metainfo), path.parent()).await?;
    weft_completes(&seeder, &hash).await?;
    let disk = SmallDisk::mount(&scene.path("locked"), 64)?;
    let leecher = scene.weft("leecher").await?;
    // Now, and not before: the file system becomes read-only for everybody, a mount only for whose namespace it is in.
    disk.read_only(true)?;
    fetch(&leecher, &metainfo, &seeder, disk.path()).await?;
    let locked = weft_reaches(&leecher, &hash, LONG, "read-only", |t| troubled(t, "read-only")).await?;
    said(locked.trouble.as_ref())?;
    ensure!(locked.pieces_done == 0, "{} pieces are said to be there", locked.pieces_done);
    disk.read_only(false)?;
    weft_completes(&leecher, &hash).await?;
    same(&path, &disk.path().join("original.bin"))?;

    // A seeder needs no more than to read.
    disk.read_only(true)?;
    let third = scene.weft("third").await?;
    let folder = scene.path("third-files");
    fs::create_dir_all(&folder)?;
    drop(seeder);
    fetch(&third, &metainfo, &leecher, &folder).await?;
    weft_completes(&third, &hash).await?;
    same(&path, &folder.join("original.bin"))?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shared_file_changes_while_it_is_seeded() -> Result<()> {
    let Some(scene) = Scene::set("a_shared_file_changes_while_it_is_seeded").await? else { return Ok(()) };
    let path = scene.path("original.bin");
    random_file(&path, 32 << 20, 45)?;
    let seeder = scene.weft("seeder").await?;
    let hash = seeder.api()?.share_with(&path, json!({ "piece_length": PIECE })).await?.info_hash;
    let metainfo = seeder.api()?.metainfo(&hash).await?;
    let original = Original::read(&path, &metainfo)?;
    let kept = scene.path("kept.bin");
    fs::copy(&path, &kept)?;
    // One byte in each of three pieces: same length, another time of change.
    let file = File::options().write(true).read(true).open(&path)?;
    let spoilt = [3_u32, 40, 100];
    for piece in spoilt {
        let at = u64::from(piece) * u64::from(PIECE) + 77;
        let mut byte = [0];
        file.read_exact_at(&mut byte, at)?;
        file.write_all_at(&[byte[0] ^ 0xFF], at)?;
    }
    file.sync_all()?;

    let (watch, _) = scene.machine("witness")?;
    let witness = Witness::of(&watch, seeder.node()?.tcp, original.clone())?;
    let leecher = scene.weft("leecher").await?;
    let folder = scene.path("leecher-files");
    fs::create_dir_all(&folder)?;
    fetch(&leecher, &metainfo, &seeder, &folder).await?;
    let named = |t: &Torrent| t.trouble.iter().chain(&t.warnings).any(|w| w.kind == "file-changed");
    let changed = weft_reaches(&seeder, &hash, LONG, "file-changed", named).await?;
    said(changed.trouble.iter().chain(&changed.warnings).find(|w| w.kind == "file-changed"))?;
    // Everything that is not spoilt arrives, and nothing that is.
    let rest = original.pieces() - spoilt.len() as u32;
    weft_reaches(&leecher, &hash, LONG, "all but the spoilt pieces", |t| t.pieces_done == rest).await?;
    let seen = witness.check()?;
    ensure!(spoilt.iter().all(|p| !seen.right.contains(p)), "a spoilt piece was served right?");
    let torrent = leecher.api()?.torrent(&hash).await?;
    ensure!(torrent.wasted == 0, "{} wrong bytes were served", torrent.wasted);
    say(format!("{} of {} pieces arrived, 0 wrong bytes served", torrent.pieces_done, torrent.pieces));

    fs::copy(&kept, &path)?;
    seeder.api()?.tell(&hash, "recheck").await?;
    weft_completes(&leecher, &hash).await?;
    same(&kept, &folder.join("original.bin"))?;
    Ok(())
}
