//! Where peers come from: candidates with back-off, trackers over HTTP and UDP.

mod candidates;
mod http;
mod trackers;
mod udp;

pub(crate) use candidates::{Address, Candidates, Outcome};
pub(crate) use http::HttpTrackers;
pub(crate) use trackers::{Announcer, Answer, Trackers};
