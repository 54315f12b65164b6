//! `weft config`: settings, and where each comes from.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::args::{Global, NetworkArgs};
use crate::failure::Result;
use crate::table::{Align, Table};
use crate::{output, session};

/// Show and change settings. Order: defaults, file, environment (`WEFT_SECTION__KEY`), flags.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    verb: ConfigVerb,
}

#[derive(Debug, Subcommand)]
enum ConfigVerb {
    /// Show every setting. With --json, an array of {"key", "value", "origin"}
    Show {
        /// Say where each value comes from
        #[arg(long)]
        origin: bool,
    },
    /// Print one setting's value. With --json, {"key", "value", "origin"}
    Get {
        /// The setting, as section.key
        key: String,
    },
    /// Write a setting to the configuration file; a running node follows it at its next start
    Set {
        /// The setting, as section.key
        key: String,
        /// Its value; lists are parted by commas
        value: String,
    },
    /// Print the configuration file's path
    Path,
}

pub(crate) fn run(global: &Global, args: ConfigArgs) -> Result<ExitCode> {
    let paths = session::paths(global)?;
    let sources = session::sources(&paths, global, &NetworkArgs::default());
    match args.verb {
        ConfigVerb::Show { origin } => show(&sources.load()?.entries, origin, global.json),
        ConfigVerb::Get { key } => {
            let entry = weft_node::get_setting(&sources, &key)?;
            if global.json {
                output::say_json(&as_json(&entry));
            } else {
                output::say(text(&entry.value));
            }
        }
        ConfigVerb::Set { key, value } => {
            weft_node::set_setting(&paths.config_file, &key, &value)?;
            let entry = weft_node::get_setting(&sources, &key)?;
            if global.json {
                output::say_json(&as_json(&entry));
            } else {
                output::note(format!("{key} = {} in {}", text(&entry.value), paths.config_file.display()));
            }
            if weft_node::running_node(&paths.data_dir).is_some() {
                output::note("the running node follows it at its next start");
            }
        }
        ConfigVerb::Path if global.json => output::say_json(&json!({ "path": paths.config_file })),
        ConfigVerb::Path => output::say(paths.config_file.display().to_string()),
    }
    Ok(ExitCode::SUCCESS)
}

fn show(entries: &[weft_node::Entry], origin: bool, json: bool) {
    if json {
        output::say_json_pretty(&entries.iter().map(as_json).collect::<Vec<_>>());
        return;
    }
    let mut columns = vec![("SETTING", Align::Left), ("VALUE", Align::Left)];
    if origin {
        columns.push(("FROM", Align::Left));
    }
    let mut table = Table::new(&columns);
    for entry in entries {
        let mut cells = vec![entry.key.clone(), text(&entry.value)];
        if origin {
            cells.push(entry.origin.to_string());
        }
        table.row(cells);
    }
    output::say(table.render());
}

fn as_json(entry: &weft_node::Entry) -> Value {
    json!({ "key": entry.key, "value": entry.value, "origin": entry.origin.to_string() })
}

/// A value as `config set` takes it.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}
