//! What the row prints and leaves.

use std::collections::BTreeMap;

use super::{Contender, Options, Run, Runs};
use crate::figures::{Figure, median};

/// How a metric is read off a run.
type Read = fn(&Run) -> f64;

/// A metric: name, title, whether more is better, how to read it.
const METRICS: [(&str, &str, bool, Read); 9] = [
    ("transfers_per_s", "transfers/s", true, |run| run.rate),
    ("transfers_per_cpu_s", "per CPU-s", true, |run| run.per_cpu_second),
    ("get_balance_per_s", "getBalance/s", true, |run| run.balances),
    ("balance_of_per_s", "balanceOf/s", true, |run| run.calls),
    ("final_p50_ms", "final p50 ms", false, |run| run.p50),
    ("final_p95_ms", "p95 ms", false, |run| run.p95),
    ("brisk_transfers_per_s", "brisk/s", true, |run| run.brisk_rate),
    ("brisk_final_p95_ms", "brisk p95 ms", false, |run| run.brisk_p95),
    ("peak_rss_mib", "peak RSS MiB", false, |run| run.rss_mib),
];

/// CPU seconds of a thousand transfers.
fn cpu_of_a_thousand(run: &Run) -> f64 {
    1000.0 / run.per_cpu_second
}

fn of(runs: &Runs, contender: Contender, read: Read) -> f64 {
    median(&runs.get(&contender).map_or_else(Vec::new, |runs| runs.iter().map(read).collect::<Vec<_>>()))
}

fn shown(value: f64) -> String {
    if value.is_finite() { format!("{value:.0}") } else { "–".into() }
}

/// One round, as it ends.
pub(super) fn line(run: &Run) -> String {
    let values = METRICS.iter().filter(|(_, _, _, read)| read(run).is_finite());
    values.map(|(_, title, _, read)| format!("{} {title}", shown(read(run)))).collect::<Vec<_>>().join(", ")
}

/// The medians, and how they stand to the goals.
pub(super) fn print(runs: &Runs, options: &Options) {
    let mut rows = vec![["", "Wh per 1,000"].map(str::to_owned).to_vec()];
    rows[0].splice(1..1, METRICS.map(|(_, title, _, _)| title.to_owned()));
    for &contender in runs.keys() {
        let mut row = vec![contender.title().to_owned()];
        row.extend(METRICS.map(|(_, _, _, read)| shown(of(runs, contender, read))));
        row.push(format!("{:.4}", of(runs, contender, cpu_of_a_thousand) * options.watts / 3600.0));
        rows.push(row);
    }
    println!("\nmedians ({} W for a busy core; brisk is {} transfers/s)", options.watts, options.brisk);
    println!("{}", weft_lab::report::columns(&rows));
    for (what, value, goal, met) in goals(runs) {
        if value.is_finite() {
            println!("{:<62} {value:>8.2}  goal {goal:<8} {}", what, if met { "met" } else { "MISSED" });
        }
    }
}

fn goals(runs: &Runs) -> Vec<(&'static str, f64, &'static str, bool)> {
    let rate = |contender| of(runs, contender, |run| run.rate);
    let per_cpu = |contender| of(runs, contender, |run| run.per_cpu_second);
    let cpu = per_cpu(Contender::One) / per_cpu(Contender::Anvil);
    let same_pace = per_cpu(Contender::OneSecond) / per_cpu(Contender::Anvil);
    let speed = rate(Contender::One) / rate(Contender::Anvil);
    let four = rate(Contender::Four);
    let p95 = of(runs, Contender::Four, |run| run.brisk_p95);
    let down = rate(Contender::Three) / four;
    let growth = 1.0 - rate(Contender::Large) / rate(Contender::Small);
    let growth_cpu = 1.0 - per_cpu(Contender::Large) / per_cpu(Contender::Small);
    vec![
        ("one validator, transfers per CPU second: times anvil's", cpu, "≥ 3", cpu >= 3.0),
        ("  the same with blocks of 1 s", same_pace, "≥ 3", same_pace >= 3.0),
        ("one validator, transfers a second: times anvil's", speed, "≥ 1.5", speed >= 1.5),
        ("four validators, transfers a second", four, "≥ 2,500", four >= 2500.0),
        ("four validators, finality p95 at the brisk pace, ms", p95, "< 1,000", p95 < 1000.0),
        ("one of four killed: part of the throughput that stays", down, "≥ 0.70", down >= 0.7),
        ("growth to a million accounts: part of the throughput lost", growth, "≤ 0.25", growth <= 0.25),
        ("  and of transfers per CPU second", growth_cpu, "≤ 0.25", growth_cpu <= 0.25),
    ]
}

/// What is written as JSON.
pub(super) fn figures(runs: &Runs, watts: f64) -> Vec<Figure> {
    let mut figures = Vec::new();
    for (&contender, all) in runs.iter().filter(|(contender, _)| **contender != Contender::Anvil) {
        let values = |read: Read| all.iter().map(read).collect::<Vec<f64>>();
        let beside = |read: Read| {
            let anvil = of(runs, Contender::Anvil, read);
            let comparable = anvil.is_finite() && matches!(contender, Contender::One | Contender::OneSecond);
            if comparable { BTreeMap::from([("anvil".to_owned(), anvil)]) } else { BTreeMap::new() }
        };
        for (name, _, more, read) in METRICS {
            if values(read).iter().any(|value| !value.is_finite()) {
                continue;
            }
            let goal = match (contender, name) {
                (Contender::One, "transfers_per_s") => Some(1.5),
                (Contender::One, "transfers_per_cpu_s") => Some(3.0),
                _ => None,
            };
            let make = if more { Figure::more } else { Figure::less };
            figures.push(make(contender.title(), name, values(read), beside(read), goal));
        }
        let cpu = values(cpu_of_a_thousand);
        let energy = cpu.iter().map(|cpu| cpu * watts / 3600.0 * 1000.0).collect();
        figures.push(Figure::less(contender.title(), "cpu_s_per_1000", cpu, beside(cpu_of_a_thousand), None));
        figures.push(Figure::less(contender.title(), "mwh_per_1000", energy, BTreeMap::new(), None));
    }
    figures
}
