//! Progress: a bar on a terminal, plain lines elsewhere, JSON lines for programs.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::output;
use crate::table::plain;

/// A plain line every 5 s: a log that somebody reads later.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// Shows how far something is.
pub(crate) enum Progress {
    Bar(ProgressBar),
    Plain { said: Option<Instant> },
    Json,
}

/// What is shown.
pub(crate) struct Step<'a> {
    /// What it is about: a name.
    pub(crate) what: &'a str,
    /// How much is done.
    pub(crate) done: u64,
    /// How much there is in all.
    pub(crate) total: u64,
    /// The two in words, for where there is no bar.
    pub(crate) amount: String,
    /// Rate, peers, ETA, state: the rest of the line.
    pub(crate) rest: String,
    /// The same for programs.
    pub(crate) json: Value,
}

impl Progress {
    pub(crate) fn new(json: bool) -> Self {
        if json {
            return Progress::Json;
        }
        if !std::io::stderr().is_terminal() {
            return Progress::Plain { said: None };
        }
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{prefix} [{wide_bar}] {percent:>3} % {msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        Progress::Bar(bar)
    }

    pub(crate) fn step(&mut self, step: &Step<'_>) {
        match self {
            Progress::Bar(bar) => {
                bar.set_length(step.total.max(1));
                bar.set_position(step.done.min(step.total));
                bar.set_prefix(shortened(&plain(step.what)));
                bar.set_message(step.rest.clone());
            }
            Progress::Plain { said } => {
                if said.is_some_and(|at| at.elapsed() < PLAIN_EVERY) {
                    return;
                }
                *said = Some(Instant::now());
                output::note(format!("{}: {}, {}", plain(step.what), step.amount, step.rest));
            }
            Progress::Json => output::say_json(&step.json),
        }
    }

    /// A line between the steps, above the bar.
    pub(crate) fn remark(&mut self, text: &str) {
        match self {
            Progress::Bar(bar) => bar.suspend(|| output::note(text)),
            Progress::Plain { .. } => output::note(text),
            Progress::Json => output::say_json(&json!({ "type": "remark", "text": text })),
        }
    }

    /// Takes the bar away; the answer follows.
    pub(crate) fn end(&mut self) {
        if let Progress::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

/// 30 characters of a name leave room for the bar.
fn shortened(name: &str) -> String {
    const MOST: usize = 30;
    if name.chars().count() <= MOST {
        return name.to_owned();
    }
    name.chars().take(MOST - 1).chain(['…']).collect()
}
