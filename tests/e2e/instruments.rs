//! The supplier and the witness, tried on clients that are known to be right before Weft is judged by them.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use weft_lab::clients::{Client, Libtorrent, Source};
use weft_lab::data::{random_file, same};
use weft_lab::process::until;

use crate::observer::{Original, Supplier, Witness};
use crate::scene::{Scene, other_completes};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_instruments_find_an_honest_client_honest() -> Result<()> {
    let Some(scene) = Scene::set("the_instruments_find_an_honest_client_honest").await? else { return Ok(()) };
    let path = scene.path("original.bin");
    random_file(&path, 20 << 20, 3)?;
    let metainfo = scene.torrent_of(&path, 1 << 18, "")?;
    let original = Original::read(&path, &metainfo)?;
    let (supply, host) = scene.machine("supplier")?;
    let supplier = Supplier::start(&supply, scene.switch.at(host), original.clone()).await?;
    let SocketAddr::V4(at) = supplier.address else { bail!("an IPv4 address") };
    let (place, host) = scene.machine("client")?;
    let folder = scene.path("client");
    let mut client = Libtorrent::start(place, scene.switch.at(host), &folder, false)?;
    let hash = client.add(Source::Metainfo(&metainfo), &folder)?;
    let (watch, _) = scene.machine("witness")?;
    let witness = Witness::of(&watch, SocketAddr::new(scene.switch.at(host).into(), 6881), original.clone())?;
    client.connect(&hash, *at.ip(), at.port())?;
    let mut client = Client::Libtorrent(client);
    other_completes(&mut client, &hash).await?;
    same(&path, &folder.join("original.bin"))?;
    until("the witness to have every piece", Duration::from_secs(60), || async {
        let seen = witness.check()?;
        Ok((seen.right.len() as u32 == original.pieces()).then_some(()))
    })
    .await?;
    ensure!(supplier.twice(&original).is_empty(), "pieces were sent twice without a reason");
    supplier.turn_page();
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_instruments_find_wrong_bytes() -> Result<()> {
    let Some(scene) = Scene::set("the_instruments_find_wrong_bytes").await? else { return Ok(()) };
    let path = scene.path("original.bin");
    random_file(&path, 4 << 20, 3)?;
    let metainfo = scene.torrent_of(&path, 1 << 18, "")?;
    // A supplier whose bytes are others than the torrent's: what it announces, a witness must call wrong.
    let other = scene.path("other.bin");
    random_file(&other, 4 << 20, 4)?;
    let (liar, truth) = (Original::read(&other, &metainfo)?, Original::read(&path, &metainfo)?);
    let (place, host) = scene.machine("liar")?;
    let supplier = Supplier::start(&place, scene.switch.at(host), liar).await?;
    let (watch, _) = scene.machine("witness")?;
    let witness = Witness::of(&watch, supplier.address, truth.clone())?;
    until("every wrong piece to be found", Duration::from_secs(20), || async {
        Ok((witness.seen().wrong.len() as u32 == truth.pieces()).then_some(()))
    })
    .await?;
    ensure!(witness.check().is_err(), "wrong pieces pass the check");
    Ok(())
}
