//! The demo tries no outside address: shown in a namespace that counts what would leave.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use weft_lab::process::Launch;
use weft_lab::shape::{LeakCount, Leaks};

use crate::scene::{Scene, say};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_sends_no_packet_to_anybody_else() -> Result<()> {
    let Some(scene) = Scene::set("the_demo_sends_no_packet_to_anybody_else").await? else { return Ok(()) };
    // The machine has a cable and a default route: whatever is tried goes out there and is counted.
    let (place, _) = scene.machine("demo")?;
    let count = LeakCount::start(&place)?;
    let log = scene.path("demo.log");
    let mut demo = Launch::new("weft lab", &scene.weft, &log)
        .args(["lab", "--check"])
        .env("CI", "1")
        .without_env("WEFT_")
        .inside(Some(place.clone()))
        .start()?;
    let ended = demo.wait(Duration::from_secs(300)).await?.context("the demo does not end")?;
    let text = std::fs::read_to_string(&log)?;
    ensure!(ended.success(), "the demo failed:\n{text}");
    ensure!(text.contains("killed half-way"), "no seeder was killed:\n{text}");
    ensure!(text.contains("every peer holds byte-identical content"), "no such result:\n{text}");
    ensure!(!text.contains('\x1b'), "control sequences without a terminal");
    ensure!(count.read()? == Leaks { outside: 0, names: 0 }, "the demo sent {:?}", count.read()?);
    for line in text.lines() {
        say(line);
    }
    Ok(())
}
