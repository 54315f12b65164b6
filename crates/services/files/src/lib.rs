//! Sharing and getting files: the face of the content engine.
//!
//! The engine (`weft-content`) does the work; this crate gives it routes under `/api/v1/files`, a snapshot, metrics and
//! health, and nothing more. It is built on the [service contract](weft_service) alone, as every service is.
//!
//! ```no_run
//! # async fn mount(engine: weft_content::Engine, overlay: weft_overlay::Overlay) {
//! use weft_files::FilesService;
//! use weft_service::Service;
//!
//! let files = FilesService::new(engine, overlay);
//! files.start().await.expect("the engine runs already");
//! println!("{}", files.api().get_openapi().to_pretty_json().expect("it is JSON"));
//! # }
//! ```
//!
//! # Concepts
//! - A **torrent** is a file or folder under its info-hash, in whatever [state](weft_content::State) it is.
//! - **Adding** takes a path to share, a magnet link, the bytes of a `.torrent` file or a bare info-hash. It is idempotent:
//!   what is in the list already is answered as it is.
//! - An **upload** is what a page hands over to be shared, gathered in `.uploads` of the download folder until it is.
//! - A **creation** is a path that is being hashed before it can be shared. It ends with the request that asked for it.

mod activity;
mod api;
mod config;
mod creations;
mod problems;
mod rate;
mod samples;
mod service;
mod uploads;

pub use config::FilesConfig;
pub use rate::{ParseRateError, Rate};
pub use service::FilesService;
