//! What moving content costs: two engines in one process, plain TCP over loopback.
//!
//! `throughput [MIB] [FILES] [FOLDER]`: a folder of FILES files of together MIB MiB (default: 1024, 1) goes from one
//! engine to another below FOLDER (default: the system's temporary folder). Prints seconds, MB/s, and CPU-seconds per GB of
//! both sides together.
#![allow(clippy::print_stdout, reason = "a program for people")]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use tokio::net::{TcpListener, TcpStream};
use weft_content::{AddOptions, CreateControl, CreateOptions, Engine, EngineConfig, KnownPeer, Seams, Source};
use weft_events::Feed;
use weft_overlay::guard::AddressGuard;
use weft_overlay::tcp::{TcpLink, TcpOptions, connect, set_up};
use weft_overlay::{BoxLink, ConnectError, Connector, PathPolicy, StreamType, Target};
use weft_store::MemoryStore;

struct Tcp;

#[async_trait]
impl Connector for Tcp {
    async fn connect(&self, target: Target, _: StreamType, _: PathPolicy) -> Result<BoxLink, ConnectError> {
        let Target::Socket(address) = target else { return Err(ConnectError::NotAllowed(target)) };
        let stream = connect(address, &TcpOptions::default()).await;
        let stream = stream.map_err(|source| ConnectError::Transport { target, source: source.into() })?;
        Ok(Box::new(TcpLink::new(stream)))
    }
}

async fn node(dir: &Path) -> Result<(Engine, SocketAddr), Box<dyn std::error::Error>> {
    let seams = Seams {
        connector: Arc::new(Tcp),
        guard: AddressGuard::private(),
        store: Arc::new(MemoryStore::default()),
        events: Feed::new().sink(),
        discovery: None,
        hints: None,
        device: None,
    };
    let engine = Engine::start(EngineConfig::new(dir), seams).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let handler = engine.link_handler();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            serve(stream, &*handler);
        }
    });
    Ok((engine, address))
}

fn serve(stream: TcpStream, handler: &dyn weft_overlay::LinkHandler) {
    if set_up(&stream).is_ok() {
        handler.accept(Box::new(TcpLink::new(stream)));
    }
}

/// CPU-seconds of this process so far.
fn cpu_seconds() -> f64 {
    let clock = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    clock.tv_sec as f64 + clock.tv_nsec as f64 / 1e9
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let mib: usize = args.next().map_or(Ok(1024), |text| text.parse())?;
    let files: usize = args.next().map_or(Ok(1), |text| text.parse())?;
    let base = args.next().map_or_else(std::env::temp_dir, Into::into);
    let (from, to) = (tempfile::tempdir_in(&base)?, tempfile::tempdir_in(&base)?);
    let top = from.path().join("content");
    std::fs::create_dir(&top)?;
    let each = (mib << 20) / files.max(1);
    for i in 0..files {
        let mut bytes = vec![0; each];
        rand::RngCore::fill_bytes(&mut <rand::rngs::StdRng as rand::SeedableRng>::seed_from_u64(i as u64), &mut bytes);
        std::fs::write(top.join(format!("{i:05}")), bytes)?;
    }
    let (seed, address) = node(from.path()).await?;
    let (leech, _) = node(to.path()).await?;
    let hashing = (Instant::now(), cpu_seconds());
    let shared = seed.create_and_share(top, CreateOptions::default(), CreateControl::default()).await?;
    let gb = shared.size as f64 / 1e9;
    println!("hashing:  {:.2} s, {:.2} CPU-s/GB", hashing.0.elapsed().as_secs_f64(), (cpu_seconds() - hashing.1) / gb);

    let source = Source::Metainfo(seed.metainfo(shared.info_hash)?);
    let (started, cpu) = (Instant::now(), cpu_seconds());
    let options = AddOptions { peers: vec![KnownPeer::Socket(address)], ..AddOptions::default() };
    let id = leech.add(source, options).await?;
    let status = leech.wait_complete(id).await?;
    let (seconds, cpu) = (started.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    println!(
        "transfer: {seconds:.2} s, {:.0} MB/s, {:.2} CPU-s/GB both sides, {} bytes wasted",
        status.size as f64 / 1e6 / seconds,
        cpu / gb,
        status.wasted
    );
    leech.shutdown().await;
    seed.shutdown().await;
    Ok(())
}
