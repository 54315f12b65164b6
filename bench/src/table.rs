//! Medians, ratios, the table for people and the JSON for the record.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;
use weft_lab::process::run;
use weft_lab::report::columns;

/// What one transfer took.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    /// From adding the torrent at the leecher to its completion.
    pub(crate) seconds: f64,
    /// CPU time of the seeder a GB.
    pub(crate) seed_cpu_s_per_gb: f64,
    /// CPU time of the leecher a GB.
    pub(crate) leech_cpu_s_per_gb: f64,
    /// The most memory the seeder had resident.
    pub(crate) seed_peak_mb: f64,
    /// The most memory the leecher had resident.
    pub(crate) leech_peak_mb: f64,
}

impl Measured {
    fn cpu(&self) -> f64 {
        self.seed_cpu_s_per_gb + self.leech_cpu_s_per_gb
    }

    fn peak(&self) -> f64 {
        self.seed_peak_mb.max(self.leech_peak_mb)
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:6.2} s  {:5.2} CPU-s/GB  {:4.0} MB", self.seconds, self.cpu(), self.peak())
    }
}

/// How a number is taken out of a result.
type Metric = fn(&Measured) -> f64;

/// Metric name, how it is taken, and the goal for its ratio to the best other client.
const METRICS: [(&str, Metric, Option<f64>); 5] = [
    ("seconds", |r| r.seconds, None),
    // The goal of this stage: no more CPU time a GB than libtorrent.
    ("cpu_s_per_gb", Measured::cpu, Some(1.0)),
    ("seed_cpu_s_per_gb", |r| r.seed_cpu_s_per_gb, None),
    ("leech_cpu_s_per_gb", |r| r.leech_cpu_s_per_gb, None),
    ("peak_rss_mb", Measured::peak, None),
];

/// One line of the row's JSON.
#[derive(Debug, Serialize)]
pub(crate) struct Figure {
    work: String,
    metric: &'static str,
    better: &'static str,
    weft: f64,
    weft_all: Vec<f64>,
    peers: BTreeMap<String, f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio_to_best: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    goal: Option<f64>,
}

impl Figure {
    /// Every metric of one work.
    pub(crate) fn all(work: &str, own: &[Measured], peers: &[(&str, &[Measured])]) -> Vec<Figure> {
        METRICS.iter().map(|(name, take, goal)| Figure::new(work, name, *take, *goal, own, peers)).collect()
    }

    fn new(
        work: &str,
        metric: &'static str,
        take: Metric,
        goal: Option<f64>,
        own: &[Measured],
        peers: &[(&str, &[Measured])],
    ) -> Figure {
        let weft_all: Vec<f64> = own.iter().map(|r| rounded(take(r))).collect();
        let weft = median(&weft_all);
        let others = peers.iter().filter(|(_, all)| !all.is_empty());
        let peers: BTreeMap<String, f64> =
            others.map(|(name, all)| ((*name).to_owned(), median(&all.iter().map(take).collect::<Vec<_>>()))).collect();
        let best = peers.values().copied().min_by(f64::total_cmp);
        let ratio_to_best = best.filter(|best| *best > 0.0).map(|best| rounded(weft / best));
        Figure { work: work.to_owned(), metric, better: "less", weft, weft_all, peers, ratio_to_best, goal }
    }
}

/// The whole JSON.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    row: &'static str,
    commit: String,
    date: String,
    machine: String,
    rounds: usize,
    figures: Vec<Figure>,
}

impl Row {
    /// The figures with where and when they were measured.
    pub(crate) fn new(row: &'static str, rounds: usize, figures: Vec<Figure>) -> Result<Self> {
        let said = |program: &str, arguments: &[&str]| run(program, arguments).map(|text| text.trim().to_owned());
        Ok(Row {
            row,
            commit: said("git", &["rev-parse", "--short", "HEAD"]).unwrap_or_else(|_| "unknown".into()),
            date: said("date", &["--iso-8601"])?,
            machine: machine(),
            rounds,
            figures,
        })
    }

    /// Writes it.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let text = serde_json::to_string_pretty(self)?;
        fs::write(path, text + "\n").with_context(|| format!("cannot write {}", path.display()))?;
        say(&format!("written to {}", path.display()))?;
        Ok(())
    }
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        processors.lines().find_map(|l| l.strip_prefix("model name")).map(|l| l.trim_start_matches([' ', '\t', ':']));
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = memory
        .lines()
        .find_map(|l| l.strip_prefix("MemTotal:"))
        .and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{cores} cores, {}, {} GiB, Linux {}",
        model.unwrap_or("unknown processor"),
        kib.unwrap_or(0) >> 20,
        kernel.trim()
    )
}

/// Prints the table: medians, and Weft's ratio to the best of the others.
pub(crate) fn print(row: &Row, results: &[(String, &'static str, Vec<Measured>)], absent: &[String]) -> Result<()> {
    let head = ["work", "client", "rounds", "seconds", "CPU-s/GB", "seeder", "leecher", "peak MB", "to libtorrent"];
    let mut rows = vec![head.map(String::from).to_vec()];
    for (work, client, all) in results {
        let of = |take: Metric| median(&all.iter().map(take).collect::<Vec<_>>());
        let beside = results.iter().find(|(w, c, _)| w == work && *c == "libtorrent");
        let cpu = beside.map(|(_, _, all)| median(&all.iter().map(Measured::cpu).collect::<Vec<_>>()));
        rows.push(vec![
            work.clone(),
            (*client).to_owned(),
            all.len().to_string(),
            format!("{:.2}", of(|r| r.seconds)),
            format!("{:.2}", of(Measured::cpu)),
            format!("{:.2}", of(|r| r.seed_cpu_s_per_gb)),
            format!("{:.2}", of(|r| r.leech_cpu_s_per_gb)),
            format!("{:.0}", of(Measured::peak)),
            cpu.filter(|cpu| *cpu > 0.0).map_or_else(String::new, |cpu| format!("{:.2} CPU", of(Measured::cpu) / cpu)),
        ]);
    }
    say(&format!("\n{}\n{}, {}, commit {}", columns(&rows), row.machine, row.date, row.commit))?;
    for why in absent {
        say(&format!("not measured in every round: {why}"))?;
    }
    Ok(())
}

/// The middle of an odd number of values, the mean of both middles of an even number; 0 of none.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => rounded(sorted[n / 2]),
        n => rounded((sorted[n / 2 - 1] + sorted[n / 2]) / 2.0),
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// A line on standard output.
pub(crate) fn say(line: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}

/// A line on standard error.
pub(crate) fn complain(line: &str) {
    let _ = writeln!(io::stderr(), "weft-bench: {line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_ratios() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        let with = |seconds| Measured {
            seconds,
            seed_cpu_s_per_gb: 0.5,
            leech_cpu_s_per_gb: 0.5,
            seed_peak_mb: 10.0,
            leech_peak_mb: 20.0,
        };
        let figures = Figure::all("w", &[with(1.0), with(9.0), with(2.0)], &[("a", &[with(4.0)]), ("b", &[with(8.0)])]);
        assert_eq!(figures[0].weft, 2.0);
        assert_eq!(figures[0].ratio_to_best, Some(0.5));
        assert_eq!((figures[1].ratio_to_best, figures[4].weft), (Some(1.0), 20.0));
    }
}
