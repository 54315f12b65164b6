//! The service contract for [`People`].

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::json;
use tokio::task::AbortHandle;
use utoipa_axum::router::OpenApiRouter;
use weft_service::{Health, Sample, Service, StartError};
use weft_store::StoreHealth;

use crate::{
    api,
    people::{People, PeopleParts},
    seams::Sightings,
    view::ContactView,
};

/// The service's name: route, event source, configuration section.
const NAME: &str = "people";

/// The `people` service. Always on.
pub struct PeopleService {
    people: Arc<People>,
    sightings: Arc<dyn Sightings>,
    /// Remembers where contacts' devices are seen.
    watch: Mutex<Option<AbortHandle>>,
}

impl PeopleService {
    /// A service of these parts. Nothing is read before it is started.
    #[must_use]
    pub fn new(parts: PeopleParts) -> Self {
        let sightings = parts.sightings.clone();
        Self { people: Arc::new(People::new(parts)), sightings, watch: Mutex::default() }
    }

    /// What the service does, for the node's adapters.
    #[must_use]
    pub fn people(&self) -> &Arc<People> {
        &self.people
    }
}

#[async_trait]
impl Service for PeopleService {
    fn name(&self) -> &'static str {
        NAME
    }

    fn summary(&self) -> &'static str {
        "who you are, whom you know, and how you meet"
    }

    fn api(&self) -> OpenApiRouter {
        api::router(self.people.clone())
    }

    fn snapshot(&self) -> serde_json::Value {
        let contacts: Vec<ContactView> = self.people.contacts().iter().map(ContactView::from).collect();
        json!({ "me": self.people.me(), "contacts": contacts })
    }

    fn samples(&self) -> Vec<Sample> {
        let contacts = self.people.contacts();
        let blocked = contacts.iter().filter(|contact| contact.is_blocked()).count();
        #[allow(clippy::cast_precision_loss)] // at most MAX_CONTACTS
        let gauge = |name, help, count: usize| Sample::gauge(name, help, count as f64);
        vec![
            gauge("people_contacts", "Contacts in the address book", contacts.len()),
            gauge("people_contacts_blocked", "Contacts that are blocked", blocked),
        ]
    }

    fn health(&self) -> Health {
        if let StoreHealth::ReadOnly { because, mend } = self.people.store_health() {
            return Health::degraded(format!("contacts cannot be changed: {because}"), mend);
        }
        match self.people.unreadable().as_slice() {
            [] => Health::Ok,
            [first, ..] => Health::degraded(
                format!("{} contacts could not be read; the first: {}", self.people.unreadable().len(), first.why),
                "restore the data folder from a copy, or add them again with new invitations",
            ),
        }
    }

    fn is_core(&self) -> bool {
        true
    }

    async fn start(&self) -> Result<(), StartError> {
        let people = self.people.clone();
        let loaded = tokio::task::spawn_blocking(move || people.load()).await;
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| {
            StartError::new(NAME, "the address book could not be read", "check the data folder's disk and start again")
                .caused_by(source)
        };
        match loaded {
            Ok(Ok(())) => {
                let watch = tokio::spawn(watch(self.people.clone(), self.sightings.clone())).abort_handle();
                if let Some(before) = self.watch.lock().replace(watch) {
                    before.abort();
                }
                Ok(())
            }
            Ok(Err(error)) => Err(failed(error.into())),
            Err(error) => Err(failed(error.into())),
        }
    }

    async fn stop(&self) {
        // Every change was on disk before it was acknowledged: there is nothing to finish.
        if let Some(watch) = self.watch.lock().take() {
            watch.abort();
        }
    }
}

/// Remembers when and where contacts' devices are seen, so that they are found after a restart although their addresses
/// changed since the invitation.
async fn watch(people: Arc<People>, sightings: Arc<dyn Sightings>) {
    while let Some((device, reach)) = sightings.next().await {
        if people.owner_of(&device).is_none() {
            continue;
        }
        let people = people.clone();
        let remembered = tokio::task::spawn_blocking(move || people.saw_device(device, &reach)).await;
        if let Ok(Err(error)) = remembered {
            tracing::debug!(%error, "where a contact's device was seen could not be remembered");
        }
    }
}
