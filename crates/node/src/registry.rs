//! The services of this node. A new one is one line in [`services`], and an adapter if it needs something of another.

use std::path::Path;
use std::sync::Arc;

use weft_files::FilesService;
use weft_ledger::{LedgerConfig, LedgerParts, LedgerService};
use weft_network::NetworkService;
use weft_people::{PeopleParts, PeopleService, system_clock};
use weft_service::Service;

use crate::adapters::{EthereumRpc, Introducer, Lookout, Reachable};
use crate::config::Config;
use crate::kernel::Kernel;

/// Every service, in the order of their start.
pub(crate) fn services(kernel: &Kernel, config: &Config, data_dir: &Path) -> Vec<Arc<dyn Service>> {
    vec![
        Arc::new(NetworkService::new(kernel.overlay.clone())),
        Arc::new(PeopleService::new(people(kernel))),
        Arc::new(FilesService::new(kernel.engine.clone(), kernel.overlay.clone())),
        Arc::new(LedgerService::new(ledger(kernel, &config.ledger, data_dir))),
    ]
}

fn ledger(kernel: &Kernel, config: &LedgerConfig, data_dir: &Path) -> LedgerParts {
    LedgerParts {
        identity: Arc::clone(&kernel.identity),
        overlay: kernel.overlay.clone(),
        events: kernel.feed.sink(),
        dir: data_dir.join("ledger"),
        config: config.clone(),
        facade: Arc::new(EthereumRpc::new(config)),
    }
}

fn people(kernel: &Kernel) -> PeopleParts {
    PeopleParts {
        identity: Arc::clone(&kernel.identity),
        store: Arc::clone(&kernel.store),
        events: kernel.feed.sink(),
        reachability: Arc::new(Reachable::new(kernel.overlay.clone(), kernel.network.clone())),
        introductions: Arc::new(Introducer::new(kernel.overlay.clone())),
        sightings: Arc::new(Lookout::new(kernel.overlay.clone(), kernel.feed.clone())),
        clock: system_clock(),
    }
}
