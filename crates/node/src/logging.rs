//! Logs: to standard error, never to standard output, which is for answers.

use std::io::IsTerminal as _;
use std::sync::OnceLock;

use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, reload};

use crate::config::{LogConfig, LogFormat};

/// Why nothing is logged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoggingError {
    /// The level cannot be read.
    #[error(
        "the setting `log.level` cannot be followed; write a level (error, warn, info, debug, trace) or a list as `warn,weft_overlay=debug`"
    )]
    Level(#[from] tracing_subscriber::filter::ParseError),
    /// Somebody set logging up before.
    #[error("logging is set up already")]
    Already(#[from] tracing_subscriber::util::TryInitError),
    /// The filter cannot be changed.
    #[error("the log's filter cannot be changed; it is read anew at the next start")]
    Change(#[from] reload::Error),
}

/// Changes what is logged.
type Change = dyn Fn(EnvFilter) -> Result<(), reload::Error> + Send + Sync;

/// There is one once logging was set up here.
static CHANGE: OnceLock<Box<Change>> = OnceLock::new();

/// Begins to log. Once a process.
///
/// # Errors
/// [`LoggingError`] if the level cannot be read, or logging was set up already.
pub fn start(config: &LogConfig) -> Result<(), LoggingError> {
    let filter = EnvFilter::try_new(directives(&config.level))?;
    let colours = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(colours).with_env_filter(filter);
    match config.format {
        LogFormat::Text => {
            let lines = lines.with_target(true).with_filter_reloading();
            let handle = lines.reload_handle();
            lines.finish().try_init()?;
            let _ = CHANGE.set(Box::new(move |filter| handle.reload(filter)));
        }
        LogFormat::Json => {
            let lines = lines.json().with_filter_reloading();
            let handle = lines.reload_handle();
            lines.finish().try_init()?;
            let _ = CHANGE.set(Box::new(move |filter| handle.reload(filter)));
        }
    }
    Ok(())
}

/// Logs as `level` says from now on. Where logging was not set up by [`start`] nothing happens: it is the embedder's.
///
/// # Errors
/// [`LoggingError`] if the level cannot be read.
pub fn set_level(level: &str) -> Result<(), LoggingError> {
    let filter = EnvFilter::try_new(directives(level))?;
    if let Some(change) = CHANGE.get() {
        change(filter)?;
    }
    Ok(())
}

/// A plain level, without what the transport calls an error and is none: each orderly end closes the channel it speaks of.
/// Who lists targets gets what they list.
fn directives(level: &str) -> String {
    const NOISY: &str = "iroh::socket::transports::relay";
    if level.contains(['=', ',']) {
        return level.to_owned();
    }
    format!("{level},{NOISY}=off,{NOISY}::actor={level}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_is_a_filter() {
        for level in ["error", "warn", "info", "debug", "trace", "off", "warn,weft_overlay=debug"] {
            assert!(EnvFilter::try_new(directives(level)).is_ok(), "{level}");
        }
        assert!(EnvFilter::try_new(directives("weft=loud")).is_err());
    }
}
