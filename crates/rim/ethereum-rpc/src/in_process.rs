//! The methods without a server.

use std::time::Instant;

use serde_json::value::RawValue;
use weft_ledger::handle::Ledger;

use crate::args::Args;
use crate::config::Config;
use crate::error::{METHOD_NOT_FOUND, RpcError};
use crate::filters::kept::Filters;
use crate::methods::{METHODS, Method, Switch};
use crate::recent::Recent;
use crate::rpc::{Call, Rpc};

/// Answers calls of whoever is in the same process, within the same bounds but for those on how much runs at once.
#[derive(Debug)]
pub struct InProcess(Rpc);

/// The methods that a configuration switches on.
pub(crate) fn switched_on(config: &Config) -> impl Iterator<Item = &'static Method> {
    METHODS.iter().filter(|method| match method.switch {
        Switch::On => true,
        Switch::Debug => config.debug,
        Switch::Development => config.mine.is_some(),
    })
}

impl Rpc {
    pub(crate) fn new(ledger: Ledger, config: Config) -> Rpc {
        let filters = Filters::new(config.max_filters, config.filter_lifetime);
        Rpc { ledger, config, filters, recent: Recent::default() }
    }
}

impl InProcess {
    /// Answers from a ledger.
    pub fn new(ledger: Ledger, config: Config) -> InProcess {
        InProcess(Rpc::new(ledger, config))
    }

    /// The names of all methods that are switched on, in the order of the documentation.
    pub fn methods(&self) -> impl Iterator<Item = &'static str> {
        switched_on(&self.0.config).map(|method| method.name)
    }

    /// Calls a method with the JSON of its parameters. It blocks until the answer is there or the configured
    /// [deadline](Config::deadline) is over.
    ///
    /// # Errors
    /// What the server would tell its client.
    pub fn call(&self, method: &str, params: Option<&str>) -> Result<Box<RawValue>, RpcError> {
        let Some(method) = switched_on(&self.0.config).find(|known| known.name == method) else {
            return Err(RpcError::new(
                METHOD_NOT_FOUND,
                format!("the method {method:.80} does not exist/is not available"),
            ));
        };
        let deadline = Instant::now() + self.0.config.deadline;
        (method.handler)(&Call { rpc: &self.0, args: Args::read(params)?, deadline })
    }
}
