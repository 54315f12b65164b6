//! The node's API, asked as any outside program asks it.

use std::path::Path;
use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use weft_node::ApiToken;

use crate::failure::{Exit, Failure, Result};

/// 5 s to connect to a port on this machine: it answers at once or not at all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A node's API.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    token: ApiToken,
}

/// How the API says no.
#[derive(Debug, Deserialize)]
struct Problem {
    error: String,
    #[serde(default)]
    mend: String,
}

impl Client {
    /// The API at `base`.
    pub(crate) fn new(base: &str, token: ApiToken) -> Result<Self> {
        // A proxy of the environment must never see the token.
        let http = reqwest::Client::builder().no_proxy().connect_timeout(CONNECT_TIMEOUT).build()?;
        Ok(Client { http, base: base.trim_end_matches('/').to_owned(), token })
    }

    /// The API of the node that runs on `data_dir`; `None` if none does.
    pub(crate) fn of_running(data_dir: &Path) -> Result<Option<Self>> {
        let Some(address) = weft_node::running_node(data_dir) else { return Ok(None) };
        let token = weft_node::read_token(data_dir).map_err(|error| Failure::of(&error).exit(Exit::Denied))?;
        Client::new(&address.api, token).map(Some)
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base)).bearer_auth(self.token.reveal())
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response> {
        let response = request.send().await.map_err(|error| unreachable(&error, &self.base))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let text = response.text().await.unwrap_or_default();
        let problem = serde_json::from_str(&text)
            .unwrap_or_else(|_| Problem { error: format!("the node answered {status}"), mend: String::new() });
        let exit = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Exit::Denied,
            StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => Exit::TimedOut,
            StatusCode::BAD_GATEWAY => Exit::Unreachable,
            _ => Exit::Failure,
        };
        Err(Failure::new(problem.error).mend(problem.mend).exit(exit))
    }

    /// A request whose answer, success or not, is JSON of interest: `/health` says 503 and why.
    pub(crate) async fn get_any<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let request = self.request(Method::GET, path);
        let response = request.send().await.map_err(|error| unreachable(&error, &self.base))?;
        read(response, path).await
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        read(self.send(self.request(Method::GET, path)).await?, path).await
    }

    pub(crate) async fn bytes(&self, path: &str) -> Result<Vec<u8>> {
        let response = self.send(self.request(Method::GET, path)).await?;
        Ok(response.bytes().await.map_err(|error| unreachable(&error, &self.base))?.to_vec())
    }

    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T> {
        read(self.send(self.request(Method::POST, path).json(body)).await?, path).await
    }

    /// A request without body whose answer says nothing.
    pub(crate) async fn order(&self, method: Method, path: &str) -> Result<()> {
        self.send(self.request(method, path)).await.map(drop)
    }

    /// A request with a body whose answer says nothing.
    pub(crate) async fn put(&self, path: &str, body: &Value) -> Result<()> {
        self.send(self.request(Method::PUT, path).json(body)).await.map(drop)
    }

    /// An answer that comes in pieces.
    pub(crate) async fn stream(&self, path: &str) -> Result<Response> {
        self.send(self.request(Method::GET, path)).await
    }
}

async fn read<T: DeserializeOwned>(response: Response, path: &str) -> Result<T> {
    let text = response.text().await?;
    // An answer without body reads as null.
    let text = if text.is_empty() { "null" } else { &text };
    serde_json::from_str(text).map_err(|error| {
        Failure::new(format!("the node's answer to {path} cannot be read: {error}"))
            .mend("the node may be of another version: stop it and start it again with this one")
    })
}

fn unreachable(error: &reqwest::Error, base: &str) -> Failure {
    let failure = Failure::new(format!("the node at {base} does not answer: {error}"));
    if error.is_timeout() {
        return failure.exit(Exit::TimedOut).mend("try again; if it stays so, stop the node and start it again");
    }
    failure.exit(Exit::Unreachable).mend("it may just have stopped: start it with `weft up`")
}
