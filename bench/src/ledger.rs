//! The row `ledger`: ERC-20 transfers and reads, over one validator and over four, beside anvil.
//!
//! Every server runs all the time, and each round loads one after the other. Transfers are signed before the clock starts
//! and go in batches over HTTP; each gives to somebody who had nothing, so that the state grows as a real one does. The
//! clock stops when the first server tells of the block with the last one; CPU is that of all servers of the chain until
//! all of them have that block. After each load the nonce and the tokens of every sender are checked on every server.
//! How long a transfer takes to be final is measured at a pace that leaves the machine room.

mod account;
mod load;
mod rpc;
mod servers;
mod stage;
mod table;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use weft_lab::binary::{self, Build};
use weft_lab::http::Http;

use self::servers::Servers;
use self::stage::Stage;
use crate::figures::Row;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Interleaved rounds; medians are taken over them
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Transfers of a load
    #[arg(long, default_value_t = 10_000)]
    transfers: usize,
    /// Accounts that send them
    #[arg(long, default_value_t = 800)]
    senders: usize,
    /// Reads of each kind
    #[arg(long, default_value_t = 4_000)]
    reads: usize,
    /// Transfers a second at which finality is measured, for four seconds
    #[arg(long, default_value_t = 500.0)]
    calm: f64,
    /// The same for four validators under load
    #[arg(long, default_value_t = 2_500.0)]
    brisk: f64,
    /// Accounts of the large state
    #[arg(long, default_value_t = 1_000_000)]
    accounts: usize,
    /// Watts of a core that is busy, for the estimate of energy
    #[arg(long, default_value_t = 10.0)]
    watts: f64,
    /// Only these: anvil, one-second, one, four, three, small, large
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Where the table goes as JSON
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
}

/// What is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Contender {
    Anvil,
    OneSecond,
    One,
    Four,
    /// Four, of which one was killed.
    Three,
    /// One validator and a state of ten thousand accounts …
    Small,
    /// … and of a million.
    Large,
}

impl Contender {
    const ALL: [Contender; 7] = [
        Contender::Anvil,
        Contender::OneSecond,
        Contender::One,
        Contender::Four,
        Contender::Three,
        Contender::Small,
        Contender::Large,
    ];

    fn name(self) -> &'static str {
        match self {
            Contender::Anvil => "anvil",
            Contender::OneSecond => "one-second",
            Contender::One => "one",
            Contender::Four => "four",
            Contender::Three => "three",
            Contender::Small => "small",
            Contender::Large => "large",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Contender::Anvil => "anvil, blocks of 1 s",
            Contender::OneSecond => "one validator, blocks of 1 s",
            Contender::One => "one validator, 250 ms",
            Contender::Four => "four validators",
            Contender::Three => "four, one killed",
            Contender::Small => "one, 10 k accounts",
            Contender::Large => "one, 1 M accounts",
        }
    }

    /// Only their throughput is of interest.
    fn is_growth(self) -> bool {
        matches!(self, Contender::Small | Contender::Large)
    }
}

/// One round of one contender.
#[derive(Debug, Clone, Copy)]
struct Run {
    rate: f64,
    per_cpu_second: f64,
    balances: f64,
    calls: f64,
    p50: f64,
    p95: f64,
    /// At the brisk pace: transfers a second that became final, and their finality.
    brisk_rate: f64,
    brisk_p95: f64,
    rss_mib: f64,
}

type Runs = BTreeMap<Contender, Vec<Run>>;

pub(crate) async fn run(options: Options) -> Result<()> {
    let contenders: Vec<Contender> = Contender::ALL
        .into_iter()
        .filter(|contender| options.only.is_empty() || options.only.iter().any(|name| name == contender.name()))
        .collect();
    ensure!(!contenders.is_empty(), "--only names nothing of this row");
    let weft = binary::weft(Build::Release)?;
    let http = Http::at(None)?;
    // On the disk: what an acknowledgement costs is part of the work.
    let scratch = tempfile::Builder::new().prefix("weft-bench-").tempdir()?;
    let mut stages = BTreeMap::new();
    for &contender in &contenders {
        // The four are there once, whole or not.
        let key = if contender == Contender::Three { Contender::Four } else { contender };
        if let Entry::Vacant(place) = stages.entry(key) {
            let begun = std::time::Instant::now();
            let stage = set(key, &options, &weft, &http, scratch.path()).await;
            place.insert(stage.with_context(|| format!("setting up {}", key.title()))?);
            println!("{} set up in {:.1} s", key.title(), begun.elapsed().as_secs_f64());
        }
    }
    let mut runs = Runs::new();
    for round in 1..=options.rounds {
        for &contender in &contenders {
            let key = if contender == Contender::Three { Contender::Four } else { contender };
            let stage = stages.get_mut(&key).context("it was set up")?;
            let run = measure(contender, stage, &options).await;
            let run = run.with_context(|| format!("loading {}", contender.title()))?;
            println!("round {round}  {:<30} {}", contender.title(), table::line(&run));
            runs.entry(contender).or_default().push(run);
        }
    }
    table::print(&runs, &options);
    let figures = table::figures(&runs, options.watts);
    if figures.is_empty() {
        println!("no figures are written: Weft itself was not among them");
        return Ok(());
    }
    let path = Row::new("ledger", options.rounds, figures).write(&options.out)?;
    println!("written to {}", path.display());
    Ok(())
}

async fn set(contender: Contender, options: &Options, weft: &Path, http: &Http, scratch: &Path) -> Result<Stage> {
    let bank = stage::bank()?.address;
    let servers = match contender {
        Contender::Anvil => Servers::anvil(&servers::anvil_program()?, http, scratch, bank).await?,
        Contender::OneSecond => Servers::weft(weft, http, scratch, 1, 1_000, bank).await?,
        Contender::Four | Contender::Three => Servers::weft(weft, http, scratch, 4, 250, bank).await?,
        _ => Servers::weft(weft, http, scratch, 1, 250, bank).await?,
    };
    let mut stage = Stage::set(servers, options.senders).await?;
    match contender {
        Contender::Small => stage.fill(10_000).await?,
        Contender::Large => stage.fill(options.accounts).await?,
        _ => {}
    }
    Ok(stage)
}

async fn measure(contender: Contender, stage: &mut Stage, options: &Options) -> Result<Run> {
    if contender == Contender::Three {
        stage.servers.kill_last()?;
    }
    let full = load::transfers(stage, options.transfers, None).await?;
    let mut run = Run {
        rate: full.rate,
        per_cpu_second: full.transfers as f64 / full.cpu_seconds,
        balances: f64::NAN,
        calls: f64::NAN,
        p50: f64::NAN,
        p95: f64::NAN,
        brisk_rate: f64::NAN,
        brisk_p95: f64::NAN,
        rss_mib: 0.0,
    };
    if !contender.is_growth() {
        let calm = load::transfers(stage, (options.calm * 4.0) as usize, Some(options.calm)).await?;
        (run.p50, run.p95) = (calm.finality_ms(50), calm.finality_ms(95));
        (run.balances, run.calls) = load::reads(stage, options.reads).await?;
    }
    if matches!(contender, Contender::Four | Contender::Three) {
        let brisk = load::transfers(stage, (options.brisk * 4.0) as usize, Some(options.brisk)).await?;
        (run.brisk_rate, run.brisk_p95) = (brisk.rate, brisk.finality_ms(95));
    }
    run.rss_mib = stage.servers.usage()?.peak_rss as f64 / (1024.0 * 1024.0);
    if contender == Contender::Three {
        stage.servers.revive_last().await?;
    }
    Ok(run)
}
