//! The `people` service: the face of identity. Who am I, whom do I know, and how do we meet.
//!
//! It keeps the address book durably, makes and accepts invitations, and tells the overlay which devices are whose. The
//! recovery phrase is no business of its API: the CLI reveals it from the keystore, on the machine itself.
//!
//! ```
//! use std::sync::Arc;
//!
//! use weft_events::Feed;
//! use weft_identity::{DeviceKey, DeviceName, NetworkName, Reach, RecoveryPhrase, Unlocked};
//! use weft_people::{Introductions, PeopleParts, PeopleService, Reachability, Sightings, system_clock};
//! use weft_service::Service as _;
//! use weft_store::MemoryStore;
//!
//! /// What the node wires to its overlay.
//! struct Overlay;
//!
//! impl Reachability for Overlay {
//!     fn reach(&self) -> Reach {
//!         Reach::new(&["192.0.2.7:9338".parse().unwrap()], &[], &[])
//!     }
//!     fn network(&self) -> NetworkName {
//!         NetworkName::public()
//!     }
//! }
//!
//! impl Introductions for Overlay {
//!     fn introduce(&self, _: DeviceKey, _: &Reach) {}
//!     fn block(&self, _: DeviceKey) {}
//!     fn forget(&self, _: DeviceKey) {}
//! }
//!
//! #[async_trait::async_trait]
//! impl Sightings for Overlay {
//!     async fn next(&self) -> Option<(DeviceKey, Reach)> {
//!         None
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let me = Unlocked::new(&RecoveryPhrase::generate()?, DeviceName::new("laptop")?, 1_700_000_000)?;
//! let people = PeopleService::new(PeopleParts {
//!     identity: Arc::new(me.identity),
//!     store: Arc::new(MemoryStore::default()),
//!     events: Feed::new().sink(),
//!     reachability: Arc::new(Overlay),
//!     introductions: Arc::new(Overlay),
//!     sightings: Arc::new(Overlay),
//!     clock: system_clock(),
//! });
//! people.start().await?;
//! let invitation = people.people().invite(None, None);
//! assert!(invitation.to_string().starts_with("weft:"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Concepts
//!
//! - [`People`] is what the service does, as plain functions; the API under `/api/v1/people` is a thin layer over it.
//! - **Seams**: [`Reachability`] (how is this node reached?), [`Introductions`] (this device is known, blocked, forgotten)
//!   and [`Sightings`] (this device came or went) are declared here and wired to the overlay by the node.
//! - A change is acknowledged, and its [`PeopleEvent`] emitted, when it is on the disk. One that could not be written is
//!   undone.

mod api;
mod book;
mod event;
mod people;
mod seams;
mod service;
mod view;

pub use book::{ChangeError, LoadError, Unreadable};
pub use event::PeopleEvent;
pub use people::{AcceptError, Accepted, People, PeopleParts};
pub use seams::{Clock, Introductions, Reachability, Sightings, system_clock};
pub use service::PeopleService;
pub use view::{ContactDetail, ContactView, DeviceDetail, DeviceView, InvitationView, Me};
