//! The files of Ethereum's tests that are answered otherwise here, and why.

/// File, and why its answer differs.
pub(crate) const DIFFERENCES: &[(&str, &str)] = &[];
