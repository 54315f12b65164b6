//! What a row leaves: medians of interleaved rounds, as a table and as JSON.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde::Serialize;

/// One figure: what Weft needed for some work, and what its peers needed in the same run.
#[derive(Debug, Serialize)]
pub(crate) struct Figure {
    /// What was done: `1 GiB, one to one, veth`.
    pub(crate) work: String,
    /// The metric with its unit: `cpu_s_per_gb`.
    pub(crate) metric: &'static str,
    /// Whether less or more is better.
    pub(crate) better: &'static str,
    /// Weft's median.
    pub(crate) weft: f64,
    /// Weft's value of every round.
    pub(crate) weft_all: Vec<f64>,
    /// The others' medians.
    pub(crate) peers: BTreeMap<String, f64>,
    /// Weft's median over the best peer's; absent where there is nobody to compare with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ratio_to_best: Option<f64>,
    /// The ratio to reach, where there is a goal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) goal: Option<f64>,
}

impl Figure {
    /// A figure where less is better.
    pub(crate) fn less(
        work: &str,
        metric: &'static str,
        weft_all: Vec<f64>,
        peers: BTreeMap<String, f64>,
        goal: Option<f64>,
    ) -> Self {
        let best = peers.values().copied().fold(f64::INFINITY, f64::min);
        Figure::beside(work, metric, "less", weft_all, peers, goal, best)
    }

    /// A figure where more is better.
    pub(crate) fn more(
        work: &str,
        metric: &'static str,
        weft_all: Vec<f64>,
        peers: BTreeMap<String, f64>,
        goal: Option<f64>,
    ) -> Self {
        let best = peers.values().copied().fold(f64::NEG_INFINITY, f64::max);
        Figure::beside(work, metric, "more", weft_all, peers, goal, best)
    }

    fn beside(
        work: &str,
        metric: &'static str,
        better: &'static str,
        weft_all: Vec<f64>,
        peers: BTreeMap<String, f64>,
        goal: Option<f64>,
        best: f64,
    ) -> Self {
        let weft = median(&weft_all);
        let ratio_to_best = best.is_finite().then(|| round(weft / best));
        let weft_all = weft_all.into_iter().map(round).collect();
        let peers = peers.into_iter().map(|(name, value)| (name, round(value))).collect();
        Figure { work: work.into(), metric, better, weft: round(weft), weft_all, peers, ratio_to_best, goal }
    }
}

/// A row as it is written to `target/bench/<row>.json`.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) row: &'static str,
    pub(crate) commit: String,
    pub(crate) date: String,
    pub(crate) machine: String,
    pub(crate) rounds: usize,
    pub(crate) figures: Vec<Figure>,
}

impl Row {
    /// A row of this commit on this machine, today.
    pub(crate) fn new(row: &'static str, rounds: usize, figures: Vec<Figure>) -> Self {
        let commit = output("git", &["rev-parse", "--short=12", "HEAD"]);
        Row { row, commit, date: output("date", &["+%Y-%m-%d"]), machine: machine(), rounds, figures }
    }

    /// Writes it to `folder/<row>.json`.
    pub(crate) fn write(&self, folder: &Path) -> Result<std::path::PathBuf> {
        fs::create_dir_all(folder)?;
        let path = folder.join(format!("{}.json", self.row));
        fs::write(&path, serde_json::to_vec_pretty(self)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }
}

/// The middle value; the mean of the two middle ones if their number is even. NaN of nothing.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => (sorted[n / 2 - 1] + sorted[n / 2]) / 2.0,
    }
}

fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown CPU");
    let kernel = output("uname", &["-r"]);
    format!("{cores} cores, {}, Linux {kernel}", model.trim_start_matches(['\t', ' ', ':']))
}

fn output(program: &str, arguments: &[&str]) -> String {
    let run = Command::new(program).args(arguments).output();
    run.ok().map_or_else(String::new, |out| String::from_utf8_lossy(&out.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_the_ratio_to_the_best_peer() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
        let peers = BTreeMap::from([("a".to_owned(), 4.0), ("b".to_owned(), 8.0)]);
        let figure = Figure::less("work", "seconds", vec![2.0, 1.0, 3.0], peers, Some(1.0));
        assert_eq!((figure.weft, figure.ratio_to_best), (2.0, Some(0.5)));
        let peers = BTreeMap::from([("a".to_owned(), 4.0), ("b".to_owned(), 8.0)]);
        let figure = Figure::more("work", "rate", vec![16.0], peers, None);
        assert_eq!((figure.better, figure.ratio_to_best), ("more", Some(2.0)));
        assert_eq!(Figure::less("alone", "seconds", vec![1.0], BTreeMap::new(), None).ratio_to_best, None);
    }
}
