//! The service: what the node sees.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use weft_content::{Engine, STREAM_TYPE, Trouble};
use weft_overlay::{LinkHandler, Overlay, StreamType};
use weft_service::{Activity, Health, Sample, Service, StartError};

use crate::activity;
use crate::api;
use crate::creations::Creations;
use crate::samples;
use crate::uploads::Uploads;

/// 3 troubled torrents are named in the health's text; the list shows all.
const NAMED_TROUBLES: usize = 3;

/// Sharing and getting files.
pub struct FilesService {
    pub(crate) engine: Engine,
    pub(crate) creations: Creations,
    uploads: Uploads,
    overlay: Overlay,
}

impl FilesService {
    /// The face of `engine`, which takes plain BitTorrent connections from `overlay` while the service is on.
    pub fn new(engine: Engine, overlay: Overlay) -> Self {
        let uploads = Uploads::new(engine.download_dir());
        FilesService { engine, creations: Creations::default(), uploads, overlay }
    }
}

#[async_trait]
impl Service for FilesService {
    fn name(&self) -> &'static str {
        "files"
    }

    fn summary(&self) -> &'static str {
        "shares and gets files and folders"
    }

    fn api(&self) -> OpenApiRouter {
        api::router(self.engine.clone(), self.creations.clone(), self.uploads.clone())
    }

    fn streams(&self) -> Vec<(StreamType, Arc<dyn LinkHandler>)> {
        vec![(STREAM_TYPE, self.engine.link_handler())]
    }

    fn snapshot(&self) -> Value {
        json!({ "torrents": self.engine.list(), "totals": self.engine.status() })
    }

    fn samples(&self) -> Vec<Sample> {
        samples::samples(&self.engine.status(), &self.engine.activity())
    }

    fn activity(&self) -> Activity {
        activity::activity(&self.engine)
    }

    fn health(&self) -> Health {
        health(self.engine.resume_trouble(), self.engine.troubles())
    }

    fn is_core(&self) -> bool {
        true
    }

    async fn start(&self) -> Result<(), StartError> {
        self.uploads.clear().await;
        // Plain BitTorrent says no stream type, so it has a place of its own in the table.
        self.overlay.serve_plain(self.engine.link_handler());
        Ok(())
    }

    async fn stop(&self) {
        self.overlay.unserve_plain();
    }
}

fn health(resume: Option<Trouble>, stopped: Vec<(String, Trouble)>) -> Health {
    let resume = resume.map(|trouble| ("resume state".to_owned(), trouble));
    let troubles: Vec<_> = resume.into_iter().chain(stopped).collect();
    let Some((_, first)) = troubles.first() else { return Health::Ok };
    let named = troubles.iter().take(NAMED_TROUBLES).map(|(name, trouble)| format!("{name}: {}", trouble.message));
    let mut because = named.collect::<Vec<_>>().join("; ");
    if troubles.len() > NAMED_TROUBLES {
        because.push_str(&format!("; and {} more", troubles.len() - NAMED_TROUBLES));
    }
    Health::degraded(because, first.mend.clone())
}
