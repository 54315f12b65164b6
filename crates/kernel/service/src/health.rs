//! How a service is, in words a user can act on.

use serde::Serialize;
use utoipa::ToSchema;

/// How a service is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "state", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Health {
    /// It does what it should.
    Ok,
    /// It works in part, or not at all.
    Degraded {
        /// What is wrong: "the disk of /data is full".
        because: String,
        /// What the user can do: "free 2 GB there; it goes on by itself".
        mend: String,
    },
}

impl Health {
    /// Degraded, with cause and mend.
    pub fn degraded(because: impl Into<String>, mend: impl Into<String>) -> Self {
        Health::Degraded { because: because.into(), mend: mend.into() }
    }

    /// Whether all is well.
    pub fn is_ok(&self) -> bool {
        matches!(self, Health::Ok)
    }
}
