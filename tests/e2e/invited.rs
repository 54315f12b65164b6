//! Two people who have exchanged one line of text, and nothing else to help them.

use anyhow::{Result, ensure};
use weft_lab::clients::Source;
use weft_lab::data::{random_file, same, source_tree};
use weft_lab::shape::{LeakCount, Leaks};

use crate::scene::{Scene, introduce, say, weft_completes};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_link_is_enough() -> Result<()> {
    let Some(scene) = Scene::set("an_invitation_link_is_enough").await? else { return Ok(()) };
    let original = scene.path("original/folder");
    source_tree(&original, 400)?;
    random_file(&original.join("large.bin"), 30 << 20, 5)?;
    // DHT off (`Scene::config`), no tracker in the torrent, no relay, no local discovery, no third peer anywhere.
    let ann = scene.weft("ann").await?;
    let ben = scene.weft("ben").await?;
    introduce(&ann, &ben).await?;
    let shared = ann.api()?.share(&original).await?;
    let hash = ben.api()?.add(Source::Magnet(&shared.link), None).await?;
    let torrent = weft_completes(&ben, &hash).await?;
    let digest = same(&original, &ben.data().join("files/folder"))?;
    let from: Vec<_> = torrent.exchanged.iter().filter(|e| e.downloaded > 0).collect();
    ensure!(from.len() == 1 && from[0].peer == ann.node()?.peer, "it came from somebody else: {from:?}");
    ensure!(scene.tracker.announces().is_empty(), "somebody asked the tracker");
    say(format!("{} files, {} bytes over {}", digest.files(), digest.bytes(), from[0].path));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_on_a_private_network_says_nothing_to_others() -> Result<()> {
    let Some(scene) = Scene::set("a_node_on_a_private_network_says_nothing_to_others").await? else { return Ok(()) };
    let (place, host) = scene.machine("quiet")?;
    let count = LeakCount::start(&place)?;
    let config = weft_lab::PeerConfig::lab(crate::scene::NETWORK, scene.switch.at(host));
    let mut alone = scene.weft_at("alone", place.clone(), &config).await?;
    alone.stop().await?;
    ensure!(count.read()? == Leaks { outside: 0, names: 0 }, "a node that is alone sent {:?}", count.read()?);
    Ok(())
}
