//! HTTP to who lives inside a namespace: requests are made on a thread that is inside too.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::runtime::Handle;

use crate::netns::Netns;

/// An HTTP client at a place: this machine's own network, or a namespace.
#[derive(Debug, Clone)]
pub struct Http {
    client: reqwest::Client,
    inside: Option<Handle>,
    // The thread that drives the requests lives as long as the namespace.
    _place: Option<Arc<Netns>>,
}

/// An answer, whatever its status.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: reqwest::header::HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }
}

impl Http {
    /// A client at `place`. It uses no proxy, follows no redirect and gives a request 30 s: a node that rechecks a large
    /// torrent may keep its caller waiting, a hung one is found out.
    pub fn at(place: Option<Arc<Netns>>) -> Result<Self> {
        // Which features reqwest has depends on what else is built: without one named, it may find no provider. A second
        // call changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(30))
            .build()?;
        let inside = place.as_ref().map(|netns| netns.runtime()).transpose()?;
        Ok(Http { client, inside, _place: place })
    }

    /// Begins a request, to be given to [`Http::send`].
    pub fn request(&self, method: reqwest::Method, url: &str) -> reqwest::RequestBuilder {
        self.client.request(method, url)
    }

    /// Sends a request and reads the whole answer.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer> {
        let exchange = async move {
            let response = request.send().await?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            Ok::<_, reqwest::Error>(Answer { status, headers, body: response.bytes().await?.to_vec() })
        };
        let answer = match &self.inside {
            Some(inside) => inside.spawn(exchange).await.context("the namespace's thread ended")?,
            None => exchange.await,
        };
        Ok(answer?)
    }

    /// Sends a request and hands the body's chunks to the channel as they come, until either end closes: for SSE.
    pub fn stream(&self, request: reqwest::RequestBuilder) -> tokio::sync::mpsc::Receiver<String> {
        let (chunks, receiver) = tokio::sync::mpsc::channel(256);
        let exchange = async move {
            let Ok(mut response) = request.timeout(Duration::from_secs(3600)).send().await else { return };
            while let Ok(Some(bytes)) = response.chunk().await {
                if chunks.send(String::from_utf8_lossy(&bytes).into_owned()).await.is_err() {
                    return;
                }
            }
        };
        match &self.inside {
            Some(inside) => inside.spawn(exchange),
            None => tokio::spawn(exchange),
        };
        receiver
    }
}
