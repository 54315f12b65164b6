//! Weft beside transmission and libtorrent: both ways, by `.torrent` and by magnet, in mixed swarms.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use serde_json::json;
use weft_lab::clients::Source;
use weft_lab::data::{random_file, same, source_tree};
use weft_lab::process::until;
use weft_lab::shape;

use crate::scene::{LONG, Make, Scene, introduce, other_completes, plain_magnet, say, weft_adds, weft_completes};

/// Real sources and one large random file in a folder: many small files that share pieces, and whole pieces.
fn tree(scene: &Scene, bytes: u64) -> Result<PathBuf> {
    let path = scene.path("original/tree");
    source_tree(&path, 150)?;
    random_file(&path.join("large.bin"), bytes, 4)?;
    Ok(path)
}

#[derive(Debug, Clone, Copy)]
enum By {
    Torrent,
    Magnet,
}

const BOTH_WAYS: [By; 2] = [By::Torrent, By::Magnet];
const BOTH_MAKES: [Make; 2] = [Make::Transmission, Make::Libtorrent];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn weft_seeds_and_the_others_fetch() -> Result<()> {
    let Some(scene) = Scene::set("weft_seeds_and_the_others_fetch").await? else { return Ok(()) };
    let original = tree(&scene, 24 << 20)?;
    let seeder = scene.weft("seeder").await?;
    let options = json!({ "trackers": [scene.tracker.http_url()] });
    let hash = seeder.api()?.share_with(&original, options).await?.info_hash;
    let metainfo = seeder.api()?.metainfo(&hash).await?;
    let magnet = plain_magnet(&hash, &scene.tracker.udp_url());
    for (make, by) in BOTH_MAKES.into_iter().flat_map(|make| BOTH_WAYS.map(|by| (make, by))) {
        // One after the other, each gone before the next: every byte comes from Weft.
        let name = format!("{make:?}-{by:?}");
        let mut leecher = scene.other(make, &name, false).await?;
        let source = match by {
            By::Torrent => Source::Metainfo(&metainfo),
            By::Magnet => Source::Magnet(&magnet),
        };
        let folder = scene.path(&name);
        ensure!(leecher.add(source, &folder).await? == hash, "{name} computes another info-hash");
        other_completes(&mut leecher, &hash).await?;
        let digest = same(&original, &folder.join("tree"))?;
        say(format!("Weft -> {name}: {} files, {} bytes identical", digest.files(), digest.bytes()));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_others_seed_and_weft_fetches() -> Result<()> {
    let Some(scene) = Scene::set("the_others_seed_and_weft_fetches").await? else { return Ok(()) };
    let original = tree(&scene, 24 << 20)?;
    let metainfo = scene.torrent_of(&original, 1 << 18, &scene.tracker.http_url())?;
    for make in BOTH_MAKES {
        let mut seeder = scene.other(make, &format!("{make:?}"), false).await?;
        let hash = seeder.add(Source::Metainfo(&metainfo), &scene.path("original")).await?;
        other_completes(&mut seeder, &hash).await?;
        let magnet = plain_magnet(&hash, &scene.tracker.udp_url());
        for by in BOTH_WAYS {
            let name = format!("weft-{make:?}-{by:?}");
            let leecher = scene.weft(&name).await?;
            let source = match by {
                By::Torrent => Source::Metainfo(&metainfo),
                By::Magnet => Source::Magnet(&magnet),
            };
            let folder = scene.path(&format!("{name}-files"));
            ensure!(weft_adds(&leecher, source, &folder).await? == hash, "Weft computes another info-hash");
            let torrent = weft_completes(&leecher, &hash).await?;
            let digest = same(&original, &folder.join("tree"))?;
            ensure!(torrent.wasted == 0, "{} bytes were wasted", torrent.wasted);
            say(format!("{make:?} -> {name}: {} files, {} bytes identical", digest.files(), digest.bytes()));
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mixed_swarm_of_four() -> Result<()> {
    let Some(scene) = Scene::set("a_mixed_swarm_of_four").await? else { return Ok(()) };
    let original = tree(&scene, 40 << 20)?;
    let seeder = scene.weft("seeder").await?;
    let options = json!({ "trackers": [scene.tracker.http_url()], "piece_length": 1 << 18 });
    let hash = seeder.api()?.share_with(&original, options).await?.info_hash;
    // Slower than they could exchange among themselves, so that they do.
    seeder.api()?.limit(None, Some(6 << 20)).await?;
    let metainfo = seeder.api()?.metainfo(&hash).await?;
    let leecher = scene.weft("leecher").await?;
    let mut transmission = scene.other(Make::Transmission, "transmission", true).await?;
    let mut libtorrent = scene.other(Make::Libtorrent, "libtorrent", true).await?;
    let folder = scene.path("weft-files");
    weft_adds(&leecher, Source::Metainfo(&metainfo), &folder).await?;
    transmission.add(Source::Metainfo(&metainfo), &scene.path("transmission")).await?;
    libtorrent.add(Source::Metainfo(&metainfo), &scene.path("libtorrent")).await?;
    weft_completes(&leecher, &hash).await?;
    other_completes(&mut libtorrent, &hash).await?;
    other_completes(&mut transmission, &hash).await?;
    for copy in [&folder, &scene.path("transmission"), &scene.path("libtorrent")] {
        same(&original, &copy.join("tree"))?;
    }
    let torrent = leecher.api()?.torrent(&hash).await?;
    let (size, seeded) = (torrent.size, seeder.api()?.torrent(&hash).await?.uploaded);
    let passed_on =
        torrent.uploaded + transmission.status(&hash).await?.uploaded + libtorrent.status(&hash).await?.uploaded;
    say(format!("of {} bytes that three fetched, the seeder sent {seeded}, the fetching ones {passed_on}", 3 * size));
    ensure!(torrent.exchanged.iter().filter(|e| e.downloaded > 0).count() >= 2, "Weft fetched from one peer alone");
    ensure!(torrent.uploaded > 0, "Weft passed nothing on");
    ensure!(seeded < 3 * size, "the fetching peers exchanged nothing");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_torrent_over_tcp_tls_and_the_overlay_at_once() -> Result<()> {
    let Some(scene) = Scene::set("one_torrent_over_tcp_tls_and_the_overlay_at_once").await? else { return Ok(()) };
    let original = scene.path("original.bin");
    random_file(&original, 48 << 20, 9)?;
    let seeder = scene.weft("seeder").await?;
    let options = json!({ "trackers": [scene.tracker.http_url()] });
    let shared = seeder.api()?.share_with(&original, options).await?;
    let hash = shared.info_hash;
    // Slow until all three are there: transmission takes its time with a magnet link.
    seeder.api()?.limit(None, Some(1 << 20)).await?;

    // By the tracker over TCP; by key over TLS; by key where TCP does not pass, over the overlay. The latter two are not
    // told of the tracker, which would bring the seeder's TCP address too.
    let mut transmission = scene.other(Make::Transmission, "transmission", false).await?;
    transmission
        .add(Source::Magnet(&plain_magnet(&hash, &scene.tracker.http_url())), &scene.path("transmission"))
        .await?;
    let by_tls = scene.weft("by-tls").await?;
    let (place, host) = scene.machine("no-tcp")?;
    shape::block(&place, "tcp")?;
    let by_overlay = scene.weft_at("by-overlay", place, &scene.config(host)).await?;
    let key = seeder.node()?.peer.clone();
    for leecher in [&by_tls, &by_overlay] {
        introduce(&seeder, leecher).await?;
        let folder = scene.path(&format!("{}-files", leecher.name()));
        let link = format!("magnet:?xt=urn:btih:{hash}");
        leecher.api()?.add_with(Source::Magnet(&link), json!({ "dir": folder, "peers": [key] })).await?;
    }
    let at_once = until("all three paths at once", LONG, || async {
        let torrent = seeder.api()?.torrent(&hash).await?;
        let carrying = torrent.peers.into_iter().filter(|peer| peer.uploaded > 0);
        let paths: BTreeSet<String> = carrying.map(|peer| peer.path).collect();
        Ok((paths.len() >= 3).then_some(paths))
    })
    .await;
    let at_once = match at_once {
        Ok(paths) => paths,
        Err(e) => {
            let seen = [&seeder, &by_tls, &by_overlay].map(|peer| async {
                let peers = peer.api()?.torrent(&hash).await.map(|torrent| torrent.peers);
                Ok::<_, anyhow::Error>(format!("{}: {peers:?}\n{}", peer.name(), peer.log_tail()))
            });
            let mut context = String::new();
            for one in seen {
                context += &one.await?;
            }
            return Err(e.context(context));
        }
    };
    ensure!(at_once.iter().eq(["direct", "tcp", "tls"]), "{at_once:?}");
    seeder.api()?.limit(None, None).await?;
    for (leecher, path) in [(&by_tls, "tls"), (&by_overlay, "direct")] {
        let torrent = weft_completes(leecher, &hash).await?;
        let from_seeder = torrent.exchanged.iter().find(|e| e.peer == key).map(|e| e.path.as_str());
        ensure!(from_seeder == Some(path), "{} had it over {:?}", leecher.name(), torrent.exchanged);
        identical(&original, &scene.path(&format!("{}-files", leecher.name())))?;
    }
    other_completes(&mut transmission, &hash).await?;
    identical(&original, &scene.path("transmission"))?;
    let sent: Vec<String> =
        seeder.api()?.torrent(&hash).await?.exchanged.iter().map(|e| format!("{} {}", e.path, e.uploaded)).collect();
    say(format!("the seeder sent over {}", sent.join(", ")));
    Ok(())
}

fn identical(original: &Path, folder: &Path) -> Result<()> {
    same(original, &folder.join("original.bin")).map(drop)
}
