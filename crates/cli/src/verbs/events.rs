//! `weft events`: what happens, as it happens.

use std::process::ExitCode;

use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::args::Global;
use crate::failure::{Exit, Failure, Result};
use crate::interrupt::interrupted;
use crate::table::plain;
use crate::{output, session};

/// 16 MiB: a snapshot of the longest list. A line that is longer is no event.
const MAX_LINE_BYTES: usize = 16 << 20;

/// Follow what happens, until Ctrl-C.
///
/// With --json, a line each: {"type": "event", "seq", "at_ms", "source", "kind", "data"}, {"type": "resync", "missed_from",
/// "head"}, and first (unless --after is given) {"type": "snapshot", "seq", "state"}.
#[derive(Debug, Args)]
pub(crate) struct Events {
    /// Begin after this sequence number, with what the node still remembers
    #[arg(long, value_name = "SEQ")]
    after: Option<u64>,
    /// Only events of this source: files, network, people, node
    #[arg(long, value_name = "SOURCE")]
    source: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Record {
    seq: u64,
    at_ms: u64,
    source: String,
    kind: String,
    data: Value,
}

pub(crate) async fn run(global: &Global, args: Events) -> Result<ExitCode> {
    let client = session::running(global)?;
    let mut path = String::from("/api/v1/events?");
    if let Some(after) = args.after {
        path.push_str(&format!("after={after}&"));
    }
    if let Some(source) = &args.source {
        if !source.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(Failure::usage(format!("`{source}` is no source's name")));
        }
        path.push_str(&format!("source={source}"));
    }
    let mut answer = client.stream(&path).await?;
    let mut parser = Parser::default();
    let mut stop = std::pin::pin!(interrupted());
    loop {
        let chunk = tokio::select! {
            stopped = stop.as_mut() => return stopped.map(|()| ExitCode::SUCCESS),
            chunk = answer.chunk() => chunk,
        };
        let Some(chunk) = chunk.unwrap_or_default() else {
            return Err(Failure::new("the node stopped").exit(Exit::Unreachable).mend("start it with `weft up`"));
        };
        for (kind, data) in parser.feed(&chunk)? {
            tell(&kind, &data, global.json);
        }
    }
}

fn tell(kind: &str, data: &Value, json: bool) {
    if json {
        let mut line = json!({ "type": kind });
        if let (Some(line), Value::Object(data)) = (line.as_object_mut(), data) {
            line.extend(data.clone());
        }
        output::say_json(&line);
        return;
    }
    match kind {
        "event" => {
            let Ok(record) = serde_json::from_value::<Record>(data.clone()) else { return };
            let fields: Vec<_> =
                record.data.as_object().into_iter().flatten().filter(|(name, _)| *name != "kind").collect();
            let fields = fields.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ");
            let time = clock(record.at_ms);
            output::say(plain(&format!("{} {time} {}/{} {fields}", record.seq, record.source, record.kind)));
        }
        "resync" => output::say("… events were missed here …"),
        _ => output::say(format!("snapshot at {}", data["seq"])),
    }
}

/// `12:34:56` of the day, UTC: what orders events, not a calendar.
fn clock(at_ms: u64) -> String {
    let second = at_ms / 1000 % 86_400;
    format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}

/// Takes server-sent events apart (WHATWG HTML §9.2): what `weft` sends, which is one `data` line an event.
#[derive(Default)]
struct Parser {
    buffer: Vec<u8>,
    kind: String,
    data: String,
}

impl Parser {
    fn feed(&mut self, bytes: &[u8]) -> Result<Vec<(String, Value)>> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() > MAX_LINE_BYTES {
            return Err(Failure::new("the node sends a line without end").mend("is something else on its port?"));
        }
        let mut events = Vec::new();
        while let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.buffer.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned();
            if line.is_empty() {
                let (kind, data) = (std::mem::take(&mut self.kind), std::mem::take(&mut self.data));
                events.extend(serde_json::from_str(&data).ok().map(|data| (kind, data)));
            } else if let Some(kind) = line.strip_prefix("event:") {
                kind.trim_start().clone_into(&mut self.kind);
            } else if let Some(data) = line.strip_prefix("data:") {
                self.data.push_str(data.trim_start());
            }
        }
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_out_whole_however_they_are_cut() {
        let text = ": keep alive\n\nevent: snapshot\nid: 3\ndata: {\"seq\":3}\n\nevent: event\ndata: {\"seq\":4}\n\n";
        for cut in 0..text.len() {
            let mut parser = Parser::default();
            let mut events = parser.feed(&text.as_bytes()[..cut]).expect("short");
            events.extend(parser.feed(&text.as_bytes()[cut..]).expect("short"));
            let kinds: Vec<_> = events.iter().map(|(kind, data)| (kind.as_str(), data["seq"].as_u64())).collect();
            assert_eq!(kinds, [("snapshot", Some(3)), ("event", Some(4))], "cut at {cut}");
        }
    }
}
