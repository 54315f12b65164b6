//! The services of this node. A new one is one line in [`services`], and an adapter if it needs something of another.

use std::sync::Arc;

use weft_files::FilesService;
use weft_network::NetworkService;
use weft_people::{PeopleParts, PeopleService, system_clock};
use weft_service::Service;

use crate::adapters::{Introducer, Lookout, Reachable};
use crate::kernel::Kernel;

/// Every service, in the order of their start.
pub(crate) fn services(kernel: &Kernel) -> Vec<Arc<dyn Service>> {
    vec![
        Arc::new(NetworkService::new(kernel.overlay.clone())),
        Arc::new(PeopleService::new(people(kernel))),
        Arc::new(FilesService::new(kernel.engine.clone(), kernel.overlay.clone())),
    ]
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
