//! Being asked to stop.

use crate::failure::{Failure, Result};

/// Ctrl-C, or `kill`: whoever waits for it stops cleanly.
pub(crate) async fn interrupted() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let no_signals = |error: std::io::Error| Failure::new(format!("the system gives no signals: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(no_signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signals)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
