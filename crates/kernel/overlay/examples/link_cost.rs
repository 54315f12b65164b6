//! What a gigabyte costs over plain TCP and over TLS, both ends together, on loopback.
//!
//! `cargo run --release -p weft-overlay --example link_cost [GiB]`. Each write is 16 blocks of 16 KiB with their 13-byte
//! headers, each read plan the same: what a seeder and a leecher do.
#![allow(clippy::print_stdout)]

use std::io::{IoSlice, IoSliceMut};
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use weft_identity::DeviceSecret;
use weft_overlay::tcp::{self, TcpLink, TcpOptions};
use weft_overlay::tls::{Expect, NetworkTag, TlsEndpoint};
use weft_overlay::{BoxLink, StreamType};

const BLOCK: usize = 16 * 1024;
const HEADER: usize = 13;
const BATCH: usize = 16;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let gib: u64 = std::env::args().nth(1).and_then(|arg| arg.parse().ok()).unwrap_or(2);
    println!("{:<10} {:>8} {:>10}", "path", "MB/s", "CPU-s/GB");
    for round in 0..3 {
        for tls in [false, true] {
            let (a, b) = if tls { tls_pair().await } else { tcp_pair().await };
            let (rate, cpu) = measure(a, b, gib << 30).await;
            let name = if tls { "tls" } else { "tcp" };
            println!("{name:<10} {rate:>8.0} {cpu:>10.3}   (round {round})");
        }
    }
}

async fn measure(a: BoxLink, b: BoxLink, total: u64) -> (f64, f64) {
    let (start, before) = (Instant::now(), cpu());
    let sending = tokio::spawn(send(a, total));
    let receiving = tokio::spawn(receive(b));
    sending.await.expect("the sender runs through");
    let received = receiving.await.expect("the receiver runs through");
    assert!(received >= total);
    let gigabytes = received as f64 / 1e9;
    (gigabytes * 1000.0 / start.elapsed().as_secs_f64(), (cpu() - before).as_secs_f64() / gigabytes)
}

async fn send(mut link: BoxLink, total: u64) {
    let header = [0; HEADER];
    let blocks = vec![7; BLOCK * BATCH];
    let mut sent = 0;
    while sent < total {
        let all: Vec<_> = blocks.chunks(BLOCK).flat_map(|b| [IoSlice::new(&header), IoSlice::new(b)]).collect();
        let mut rest = &mut all.clone()[..];
        while !rest.is_empty() {
            let n = std::future::poll_fn(|cx| link.poll_write(cx, rest)).await.expect("written");
            sent += n as u64;
            IoSlice::advance_slices(&mut rest, n);
        }
    }
    link.close().await.expect("closed");
}

async fn receive(mut link: BoxLink) -> u64 {
    let mut headers = vec![0; HEADER * BATCH];
    let mut blocks = vec![0; BLOCK * BATCH];
    let mut received = 0;
    loop {
        let pairs = headers.chunks_mut(HEADER).zip(blocks.chunks_mut(BLOCK));
        let mut plan: Vec<_> = pairs.flat_map(|(h, b)| [IoSliceMut::new(h), IoSliceMut::new(b)]).collect();
        match link.read_vectored(&mut plan).await.expect("read") {
            0 => return received,
            n => received += n as u64,
        }
    }
}

async fn tcp_pair() -> (BoxLink, BoxLink) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let address = listener.local_addr().expect("an address");
    let client = tcp::connect(address, &TcpOptions::default()).await.expect("connected");
    let (server, _) = listener.accept().await.expect("accepted");
    (Box::new(TcpLink::new(client)), Box::new(TcpLink::new(server)))
}

async fn tls_pair() -> (BoxLink, BoxLink) {
    let endpoint =
        |seed| TlsEndpoint::new(&DeviceSecret::from_bytes(&[seed; 32]), NetworkTag::of("private/bench")).expect("TLS");
    let (a, b) = (endpoint(1), endpoint(2));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let address = listener.local_addr().expect("an address");
    let accepting = async {
        let (stream, _) = listener.accept().await.expect("accepted");
        b.accept(stream).await.expect("a handshake").accept().await.expect("a link")
    };
    let connecting = async {
        let stream = tcp::connect(address, &TcpOptions::default()).await.expect("connected");
        a.connect(stream, Expect::Peer(b.key()), StreamType::new("bench/1")).await.expect("a link")
    };
    let (client, server) = tokio::join!(connecting, accepting);
    (Box::new(client), Box::new(server))
}

/// CPU time of the process so far, in ticks of 10 ms.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("a Linux system");
    let after_name = stat.rsplit(") ").next().expect("a process name");
    let field = |n: usize| after_name.split(' ').nth(n).and_then(|f| f.parse::<u64>().ok()).expect("a number");
    Duration::from_millis((field(11) + field(12)) * 10)
}
