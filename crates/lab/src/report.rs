//! What a lab run says: lines while it goes, a table at its end, and the same as JSON.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use serde::Serialize;

/// Without a terminal a line of progress comes this often; a log should be readable.
const PLAIN_EVERY: Duration = Duration::from_secs(2);
/// Characters of a progress bar.
const BAR: usize = 24;

/// How a run ended.
#[derive(Debug, Clone, Serialize)]
pub struct LabReport {
    /// Every peer, in order.
    pub peers: Vec<PeerReport>,
    /// What was shared.
    pub contents: Vec<ContentReport>,
    /// From the first peer's start to the last check.
    pub seconds: f64,
    /// What went wrong, in words; empty if nothing did.
    pub failures: Vec<String>,
}

impl LabReport {
    /// Whether every living peer holds byte-identical content.
    pub fn ok(&self) -> bool {
        self.failures.is_empty() && self.peers.iter().all(|p| p.killed || p.identical == self.contents.len())
    }
}

/// A file or folder that was shared.
#[derive(Debug, Clone, Serialize)]
pub struct ContentReport {
    /// Its name.
    pub name: String,
    /// How many files.
    pub files: usize,
    /// How many bytes.
    pub bytes: u64,
    /// The beginning of the SHA-256 over names, lengths and digests.
    pub digest: String,
    /// Its v1 info-hash.
    pub info_hash: String,
}

/// One peer's row.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PeerReport {
    /// Its name.
    pub peer: String,
    /// Its key.
    pub key: String,
    /// Where it listened.
    pub address: String,
    /// What it did: `shared`, `fetched`.
    pub role: &'static str,
    /// Whether it was killed on the way.
    pub killed: bool,
    /// Bytes it fetched.
    pub fetched: u64,
    /// How long that took.
    pub seconds: f64,
    /// From whom it had how much, the most first.
    pub sources: Vec<SourceReport>,
    /// How many of the contents are byte-identical with the originals.
    pub identical: usize,
}

/// What a peer had from another one.
#[derive(Debug, Clone, Serialize)]
pub struct SourceReport {
    /// The other's name, or its address if it is none of the lab.
    pub peer: String,
    /// Bytes.
    pub bytes: u64,
    /// Over which path.
    pub path: String,
}

/// One moment of one peer.
#[derive(Debug, Clone)]
pub struct Moment {
    /// Its name.
    pub peer: String,
    /// Verified part of everything it fetches, 0 to 1.
    pub progress: f64,
    /// Bytes a second now.
    pub rate: u64,
    /// With how many peers it is connected.
    pub connections: usize,
    /// It was killed.
    pub killed: bool,
}

/// Where a run is written to as it goes. On a terminal the bars are redrawn in place.
pub struct Screen<'a> {
    out: &'a mut (dyn Write + Send),
    live: bool,
    silent: bool,
    drawn: usize,
    begun: Instant,
    last: Option<Instant>,
}

impl std::fmt::Debug for Screen<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Screen").field("live", &self.live).field("silent", &self.silent).finish_non_exhaustive()
    }
}

impl<'a> Screen<'a> {
    /// Writes to `out`: redrawing if `live`, nothing but the end's JSON if `silent`.
    pub fn new(out: &'a mut (dyn Write + Send), live: bool, silent: bool) -> Self {
        Screen { out, live: live && !silent, silent, drawn: 0, begun: Instant::now(), last: None }
    }

    /// Says one thing, with the seconds since the beginning.
    pub fn say(&mut self, line: &str) -> io::Result<()> {
        if self.silent {
            return Ok(());
        }
        self.clear()?;
        writeln!(self.out, "{:6.1} s  {line}", self.begun.elapsed().as_secs_f64())?;
        self.out.flush()
    }

    /// Shows the swarm as it is now.
    pub fn show(&mut self, moments: &[Moment]) -> io::Result<()> {
        if self.silent {
            return Ok(());
        }
        if self.live {
            self.clear()?;
            for moment in moments {
                writeln!(self.out, "          {}", bar(moment))?;
            }
            self.drawn = moments.len();
        } else if self.last.is_none_or(|last| last.elapsed() >= PLAIN_EVERY) {
            self.last = Some(Instant::now());
            let parts: Vec<String> = moments.iter().map(short).collect();
            self.say(&parts.join("  "))?;
        }
        self.out.flush()
    }

    /// The table, or the JSON.
    pub fn finish(&mut self, report: &LabReport) -> io::Result<()> {
        self.clear()?;
        if self.silent {
            serde_json::to_writer_pretty(&mut self.out, report)?;
            return writeln!(self.out);
        }
        write!(self.out, "\n{}", table(report))?;
        self.out.flush()
    }

    /// Takes the bars away: up to the first one, and erase to the end of the screen.
    fn clear(&mut self) -> io::Result<()> {
        if self.drawn > 0 {
            write!(self.out, "\x1b[{}A\x1b[J", self.drawn)?;
            self.drawn = 0;
        }
        Ok(())
    }
}

fn bar(moment: &Moment) -> String {
    if moment.killed {
        return format!("{:<8} killed", moment.peer);
    }
    let full = ((moment.progress.clamp(0.0, 1.0) * BAR as f64).round() as usize).min(BAR);
    format!(
        "{:<8} [{}{}] {:>5.1} %  {:>10}/s  {} peers",
        moment.peer,
        "#".repeat(full),
        "-".repeat(BAR - full),
        moment.progress * 100.0,
        size(moment.rate),
        moment.connections
    )
}

fn short(moment: &Moment) -> String {
    if moment.killed {
        return format!("{} killed", moment.peer);
    }
    format!("{} {:.0} %", moment.peer, (moment.progress * 100.0).floor())
}

/// The summary as text.
pub fn table(report: &LabReport) -> String {
    let head = ["peer", "got", "in", "rate", "from", "how much", "path", "verified"].map(String::from).to_vec();
    let mut rows = vec![head];
    for peer in &report.peers {
        let verified = match (peer.killed, peer.role) {
            (true, _) => "killed on the way".to_owned(),
            (false, "shared") => "the original".to_owned(),
            _ if peer.identical == report.contents.len() => format!("{0} of {0} byte-identical", peer.identical),
            _ => format!("ONLY {} OF {} IDENTICAL", peer.identical, report.contents.len()),
        };
        let own = match peer.role {
            "shared" => [peer.peer.clone(), "shared it".into(), String::new(), String::new()],
            _ => [
                peer.peer.clone(),
                size(peer.fetched),
                format!("{:.1} s", peer.seconds),
                format!("{}/s", size((peer.fetched as f64 / peer.seconds.max(0.001)) as u64)),
            ],
        };
        let mut sources = peer.sources.iter();
        let mut row = own.to_vec();
        row.extend(source_cells(sources.next()));
        row.push(verified);
        rows.push(row);
        for source in sources {
            let mut row = vec![String::new(); 4];
            row.extend(source_cells(Some(source)));
            row.push(String::new());
            rows.push(row);
        }
    }
    let mut text = columns(&rows);
    let _ = writeln!(text);
    for content in &report.contents {
        let (name, bytes) = (&content.name, size(content.bytes));
        let _ = writeln!(text, "{name}: {bytes} in {} files, sha256 {}…", content.files, content.digest);
    }
    for failure in &report.failures {
        let _ = writeln!(text, "failed: {failure}");
    }
    let result = if report.ok() { "every peer holds byte-identical content" } else { "FAILED" };
    let _ = writeln!(text, "{result}, after {:.1} s", report.seconds);
    text
}

fn source_cells(source: Option<&SourceReport>) -> [String; 3] {
    source.map_or_else(Default::default, |s| [s.peer.clone(), size(s.bytes), s.path.clone()])
}

/// Lays rows out in columns as wide as their widest cell; the first row is underlined.
pub fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |i: usize| rows.iter().filter_map(|r| r.get(i)).map(|c| c.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(width).collect();
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
        let _ = writeln!(text, "{}", cells.join("  ").trim_end());
        if number == 0 {
            let rule: Vec<String> = widths.iter().map(|&width| "-".repeat(width)).collect();
            let _ = writeln!(text, "{}", rule.join("  "));
        }
    }
    text
}

/// Bytes for people: three digits and a decimal unit.
pub fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if value < 999.5 {
            return if unit == "B" { format!("{value:.0} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1000.0;
    }
    format!("{value:.2} TB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_for_people() {
        let sizes = [0, 999, 1_000, 153_621_360, 1 << 30, 5_000_000_000_000];
        assert_eq!(sizes.map(size), ["0 B", "999 B", "1.0 kB", "153.6 MB", "1.1 GB", "5.00 TB"]);
    }

    fn report() -> LabReport {
        let source = |peer: &str, bytes| SourceReport { peer: peer.into(), bytes, path: "tls".into() };
        let fetched = PeerReport {
            peer: "peer 2".into(),
            role: "fetched",
            fetched: 3_000_000,
            seconds: 1.5,
            sources: vec![source("peer 1", 2_000_000), source("peer 3", 1_000_000)],
            identical: 1,
            ..PeerReport::default()
        };
        let shared = PeerReport { peer: "peer 1".into(), role: "shared", killed: true, ..PeerReport::default() };
        let content =
            ContentReport { name: "x".into(), files: 1, bytes: 3_000_000, digest: "ab".into(), info_hash: "cd".into() };
        LabReport { peers: vec![shared, fetched], contents: vec![content], seconds: 2.0, failures: Vec::new() }
    }

    #[test]
    fn a_run_is_good_only_if_every_living_peer_holds_everything() {
        let mut report = report();
        assert!(report.ok() && table(&report).contains("1 of 1 byte-identical"));
        report.peers[1].identical = 0;
        assert!(!report.ok() && table(&report).contains("FAILED"));
    }

    #[test]
    fn bars_are_redrawn_only_on_a_terminal() -> io::Result<()> {
        let moment = Moment { peer: "peer 2".into(), progress: 0.5, rate: 7, connections: 1, killed: false };
        for (live, silent) in [(true, false), (false, false), (true, true)] {
            let mut out = Vec::new();
            let mut screen = Screen::new(&mut out, live, silent);
            screen.show(std::slice::from_ref(&moment))?;
            screen.say("something")?;
            let text = String::from_utf8_lossy(&out);
            assert_eq!(text.contains('\x1b'), live && !silent);
            assert_eq!(text.is_empty(), silent);
        }
        Ok(())
    }
}
