//! Standard output and standard error: the only place that writes to them.

#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::io::Write as _;
use std::process::ExitCode;

use serde::Serialize;
use serde_json::json;

use crate::failure::Failure;

/// A line for people. A reader that went away (`| head`) ends the program quietly, as other programs do.
pub(crate) fn say(text: impl AsRef<str>) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{}", text.as_ref()).and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// One JSON value on one line.
pub(crate) fn say_json(value: &impl Serialize) {
    match serde_json::to_string(value) {
        Ok(line) => say(line),
        Err(error) => note(format!("error: an answer does not serialise: {error}")),
    }
}

/// One JSON value, indented: an answer that is read whole.
pub(crate) fn say_json_pretty(value: &impl Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => say(text),
        Err(error) => note(format!("error: an answer does not serialise: {error}")),
    }
}

/// Raw bytes.
pub(crate) fn say_bytes(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    if out.write_all(bytes).and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// A remark beside the answer: on standard error, so that it never mixes with what a program reads.
pub(crate) fn note(text: impl AsRef<str>) {
    eprintln!("{}", text.as_ref());
}

/// A question on standard error, without a line end.
pub(crate) fn ask(text: &str) {
    let mut err = std::io::stderr().lock();
    let _ = write!(err, "{text}").and_then(|()| err.flush());
}

/// Says what went wrong, as JSON if that was asked for, and gives the exit code.
pub(crate) fn fail(failure: &Failure, json: bool) -> ExitCode {
    let code = failure.exit as u8;
    if json {
        note(json!({ "error": failure.cause, "mend": failure.mend, "exit": code }).to_string());
    } else {
        note(failure.to_string());
    }
    ExitCode::from(code)
}
