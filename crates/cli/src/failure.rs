//! What went wrong: its cause, its mend, and the exit code that tells programs.

use std::fmt;

use serde::Serialize;

/// The exit codes, the same for every verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[repr(u8)]
pub(crate) enum Exit {
    /// It failed.
    Failure = 1,
    /// The command line is wrong. clap uses the same.
    Usage = 2,
    /// No node, no peer or no server answered.
    Unreachable = 3,
    /// It is there and refuses.
    Denied = 4,
    /// The time given ran out.
    TimedOut = 5,
}

/// What went wrong.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) cause: String,
    pub(crate) mend: String,
}

pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    pub(crate) fn new(cause: impl Into<String>) -> Self {
        Failure { exit: Exit::Failure, cause: cause.into(), mend: String::new() }
    }

    pub(crate) fn usage(cause: impl Into<String>) -> Self {
        Failure { exit: Exit::Usage, ..Failure::new(cause) }
    }

    pub(crate) fn exit(self, exit: Exit) -> Self {
        Failure { exit, ..self }
    }

    pub(crate) fn mend(self, mend: impl Into<String>) -> Self {
        Failure { mend: mend.into(), ..self }
    }

    /// An error with everything below it. Weft's own errors end with their mend after a colon or semicolon, so nothing
    /// more is said.
    pub(crate) fn of(error: &(dyn std::error::Error + 'static)) -> Self {
        let mut parts: Vec<String> = Vec::new();
        for cause in std::iter::successors(Some(error), |error| error.source()) {
            let text = cause.to_string();
            if parts.last().is_none_or(|last| !last.ends_with(&text)) {
                parts.push(text);
            }
        }
        let whole = parts.join(": ");
        // "cannot do this; do that": the last half-sentence of our own messages is the mend.
        match parts.first().and_then(|first| first.rsplit_once("; ")) {
            Some((cause, mend)) => {
                let rest =
                    parts.get(1..).unwrap_or_default().iter().map(|part| format!(": {part}")).collect::<String>();
                Failure::new(format!("{cause}{rest}")).mend(mend)
            }
            None => Failure::new(whole),
        }
    }
}

impl<E: std::error::Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure::of(&error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.cause)?;
        if !self.mend.is_empty() {
            write!(f, "\n  mend: {}", self.mend)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the folder is in use; stop the other node")]
    struct InUse(#[source] std::io::Error);

    #[test]
    fn cause_and_mend_are_told_apart() {
        let failure = Failure::from(InUse(std::io::Error::other("locked")));
        assert_eq!(failure.to_string(), "error: the folder is in use: locked\n  mend: stop the other node");
        let plain = Failure::from(std::io::Error::other("no"));
        assert_eq!(plain.to_string(), "error: no");
    }
}
