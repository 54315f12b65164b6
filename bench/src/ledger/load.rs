//! Transfers and reads, as fast as they go or at a pace.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use alloy_primitives::B256;
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::rpc::{Rpc, balance_of, number};
use super::stage::Stage;

/// Transactions in one request.
const BATCH: usize = 100;

/// Requests under way at once.
const REQUESTS: usize = 4;

/// Readers, each with one request under way.
const READERS: usize = 16;

/// Without a pace: how long a load may take in all.
const PATIENCE: Duration = Duration::from_secs(180);

/// How often it is asked whether there is a new block.
const LOOK: Duration = Duration::from_millis(5);

/// With a pace, a request is sent this often.
const BEAT: Duration = Duration::from_millis(20);

/// What a load gave.
pub(crate) struct Outcome {
    /// Transfers a second, from the first request to the last block.
    pub(crate) rate: f64,
    /// CPU seconds of all servers.
    pub(crate) cpu_seconds: f64,
    /// Seconds from a transfer's request to its block being told by the first server, in order of length.
    pub(crate) finality: Vec<f64>,
    pub(crate) transfers: usize,
}

impl Outcome {
    /// A percentile of the finality, in milliseconds.
    pub(crate) fn finality_ms(&self, percent: usize) -> f64 {
        let place = (self.finality.len() * percent / 100).min(self.finality.len().saturating_sub(1));
        self.finality.get(place).copied().unwrap_or(f64::NAN) * 1000.0
    }
}

/// A request that is ready to be sent.
struct Request {
    server: usize,
    body: String,
    hashes: Vec<B256>,
}

/// Signs transfers, the senders in turn. A sender always goes to the same server, as a person does.
fn prepare(stage: &mut Stage, transfers: usize, batch: usize) -> Result<Vec<Request>> {
    let servers = stage.servers.rpcs().len();
    let (mut requests, mut made) = (Vec::new(), 0);
    while made < transfers {
        for (turn, first) in (0..stage.senders.len()).step_by(batch).enumerate() {
            let count = batch.min(stage.senders.len() - first).min(transfers - made);
            let mut request = Request { server: turn % servers, body: String::from("["), hashes: Vec::new() };
            for place in 0..count {
                let signed = stage.transfer(first + place)?;
                let comma = if place == 0 { "" } else { "," };
                let raw = &signed.raw;
                request.body += &format!(
                    r#"{comma}{{"jsonrpc":"2.0","id":{place},"method":"eth_sendRawTransaction","params":["{raw}"]}}"#
                );
                request.hashes.push(signed.hash);
            }
            request.body.push(']');
            made += count;
            if count > 0 {
                requests.push(request);
            }
        }
    }
    Ok(requests)
}

async fn send(rpc: &Rpc, body: String) -> Result<()> {
    let answer = rpc.post(body).await?;
    let answers = answer.as_array().with_context(|| format!("a batch was refused: {answer:.300}"))?;
    match answers.iter().find_map(|answer| answer.get("error")) {
        Some(error) => bail!("a transfer was refused: {error}"),
        None => Ok(()),
    }
}

/// Sends transfers, waits until all are final everywhere, and checks them. With a pace, so many a second.
pub(crate) async fn transfers(stage: &mut Stage, count: usize, pace: Option<f64>) -> Result<Outcome> {
    let batch = pace.map_or(BATCH, |pace| (pace * BEAT.as_secs_f64()).round().max(1.0) as usize);
    let requests = prepare(stage, count, batch)?;
    let rpcs = stage.servers.rpcs();
    let from = rpcs[0].height().await?;
    let hashes: Vec<Vec<B256>> = requests.iter().map(|request| request.hashes.clone()).collect();
    let before = stage.servers.usage()?;
    let begun = Instant::now();
    let watch = tokio::spawn(watch(rpcs[0].clone(), from, count, begun));
    let sent = match pace {
        None => at_once(&rpcs, requests, begun).await?,
        Some(_) => at_a_pace(&rpcs, requests, begun).await?,
    };
    let seen = watch.await??;
    stage.servers.reach(seen.height).await?;
    let cpu_seconds = stage.servers.usage()?.cpu_seconds - before.cpu_seconds;
    let mut finality = Vec::with_capacity(count);
    for (request, at) in hashes.iter().zip(&sent) {
        for hash in request {
            let seen = seen.at.get(hash).with_context(|| format!("{hash} is in no block"))?;
            finality.push(seen.saturating_sub(*at).as_secs_f64());
        }
    }
    finality.sort_by(f64::total_cmp);
    stage.verify().await?;
    let rate = count as f64 / seen.last.as_secs_f64();
    Ok(Outcome { rate, cpu_seconds, finality, transfers: count })
}

/// When each request was sent.
async fn at_once(rpcs: &[Rpc], requests: Vec<Request>, begun: Instant) -> Result<Vec<Duration>> {
    let count = requests.len();
    let (requests, next) = (Arc::new(requests), Arc::new(AtomicUsize::new(0)));
    let mut tasks = JoinSet::new();
    for _ in 0..REQUESTS {
        let (rpcs, requests, next) = (rpcs.to_vec(), Arc::clone(&requests), Arc::clone(&next));
        tasks.spawn(async move {
            let mut sent = Vec::new();
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some(request) = requests.get(place) else { return Ok::<_, anyhow::Error>(sent) };
                sent.push((place, begun.elapsed()));
                send(&rpcs[request.server], request.body.clone()).await?;
            }
        });
    }
    let mut all = vec![Duration::ZERO; count];
    while let Some(done) = tasks.join_next().await {
        for (place, at) in done?? {
            all[place] = at;
        }
    }
    Ok(all)
}

async fn at_a_pace(rpcs: &[Rpc], requests: Vec<Request>, begun: Instant) -> Result<Vec<Duration>> {
    let mut beat = tokio::time::interval(BEAT);
    let (mut tasks, mut sent) = (JoinSet::new(), Vec::with_capacity(requests.len()));
    for request in requests {
        beat.tick().await;
        sent.push(begun.elapsed());
        let rpc = rpcs[request.server].clone();
        tasks.spawn(async move { send(&rpc, request.body).await });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(sent)
}

struct Seen {
    at: HashMap<B256, Duration>,
    last: Duration,
    height: u64,
}

/// Reads blocks as they come, until so many transactions were in them.
async fn watch(rpc: Rpc, from: u64, count: usize, begun: Instant) -> Result<Seen> {
    let mut seen = Seen { at: HashMap::new(), last: Duration::ZERO, height: from };
    while seen.at.len() < count {
        ensure!(begun.elapsed() < PATIENCE, "{} of {count} transfers are in blocks after {PATIENCE:?}", seen.at.len());
        let head = rpc.height().await?;
        let at = begun.elapsed();
        while seen.height < head {
            seen.height += 1;
            let block = rpc.call("eth_getBlockByNumber", json!([format!("{:#x}", seen.height), false])).await?;
            number(&block["number"])?;
            let hashes = block["transactions"].as_array().context("a block has transactions")?;
            for hash in hashes {
                seen.at.insert(hash.as_str().unwrap_or_default().parse()?, at);
            }
            if !hashes.is_empty() {
                seen.last = at;
            }
        }
        // What all servers here have alike is a call; a subscription would be another path in each.
        tokio::time::sleep(LOOK).await;
    }
    Ok(seen)
}

/// Reads a second: of a coin balance, and of a token balance by a call.
pub(crate) async fn reads(stage: &Stage, count: usize) -> Result<(f64, f64)> {
    let of = |place: usize| stage.senders[place % stage.senders.len()].address;
    let coins = (0..count).map(|place| ("eth_getBalance", json!([of(place), "latest"]))).collect();
    let tokens = (0..count).map(|place| ("eth_call", balance_of(stage.token, of(place)))).collect();
    Ok((read(stage, coins).await?, read(stage, tokens).await?))
}

async fn read(stage: &Stage, calls: Vec<(&'static str, Value)>) -> Result<f64> {
    let (rpcs, count, next) = (stage.servers.rpcs(), calls.len(), Arc::new(AtomicUsize::new(0)));
    let calls = Arc::new(calls);
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..READERS {
        let (rpcs, calls, next) = (rpcs.clone(), Arc::clone(&calls), Arc::clone(&next));
        tasks.spawn(async move {
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some((method, params)) = calls.get(place) else { return Ok::<_, anyhow::Error>(()) };
                let value = rpcs[place % rpcs.len()].call(method, params.clone()).await?;
                ensure!(value.as_str().is_some_and(|value| value.len() > 3), "{method} answers {value}");
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(count as f64 / begun.elapsed().as_secs_f64())
}
