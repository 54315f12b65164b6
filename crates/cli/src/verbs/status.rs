//! `weft status`: who, where and how the running node is.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use crate::args::Global;
use crate::failure::{Failure, Result};
use crate::shapes::{Health, Status};
use crate::table::{Align, Table};
use crate::{output, session, units};

/// Show the running node and its services, or switch a service.
///
/// With --json, the object of `GET /api/v1/status`. Exit code 3 if no node runs.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Switch this service on, now and at the next starts
    #[arg(long, value_name = "SERVICE", conflicts_with = "off")]
    on: Option<String>,
    /// Switch this service off, now and at the next starts
    #[arg(long, value_name = "SERVICE")]
    off: Option<String>,
}

pub(crate) async fn run(global: &Global, args: StatusArgs) -> Result<ExitCode> {
    let client = session::running(global)?;
    for (name, on) in [(args.on, true), (args.off, false)] {
        let Some(name) = name else { continue };
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(Failure::usage(format!("`{name}` is no service's name")).mend("`weft status` lists them"));
        }
        client.put(&format!("/api/v1/services/{name}"), &json!({ "on": on })).await?;
    }
    let answer: Value = client.get("/api/v1/status").await?;
    if global.json {
        output::say_json_pretty(&answer);
        return Ok(ExitCode::SUCCESS);
    }
    show(&serde_json::from_value(answer)?);
    Ok(ExitCode::SUCCESS)
}

fn show(status: &Status) {
    let line = |name: &str, value: &str| output::say(format!("{name:<8} {value}"));
    let none = "-".to_owned();
    line("weft", &format!("{}, process {}, up {}", status.version, status.pid, units::seconds(status.uptime_seconds)));
    line("device", &format!("{} ({})", status.peer, status.device_name));
    line("user", &status.user);
    line("network", &status.network);
    line("api", &status.api);
    line("listens", status.tcp.as_ref().unwrap_or(&none));
    line("dht", status.dht.as_ref().unwrap_or(&none));
    line("relay", status.relay.as_ref().unwrap_or(&none));
    line("data", &status.data_dir);
    line("files", &status.files_dir);
    line("health", &status.health);
    let mut table = Table::new(&[("SERVICE", Align::Left), ("IS", Align::Left), ("WHAT", Align::Left)]);
    let mut troubles = Vec::new();
    for service in &status.services {
        let state = match (&service.health, service.on) {
            (Some(Health::Degraded { because, mend }), _) => {
                troubles.push(format!("{}: {because}\n  mend: {mend}", service.name));
                "degraded"
            }
            (_, true) => "on",
            (_, false) => "off",
        };
        table.row([service.name.clone(), state.to_owned(), service.summary.clone()]);
    }
    output::say(format!("\n{}", table.render()));
    for trouble in troubles {
        output::note(trouble);
    }
}
