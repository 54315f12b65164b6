//! Nodes to ask, and how they are asked.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, Once, OnceLock};
use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use tempfile::TempDir;
use tracing_subscriber::fmt::MakeWriter;
use weft_node::{Node, NodeConfig, Paths, Sources};
use weft_service::Service;

/// What a test may take before it has failed: two cores may be busy with other things.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// The private network of these tests.
pub(crate) const NETWORK: &str = "node-tests";

/// Each node has a loopback address of its own.
static NEXT_ADDRESS: AtomicU8 = AtomicU8::new(1);

/// Everything that was logged by this process, at the level that says most.
static LOGGED: OnceLock<Log> = OnceLock::new();

/// A node with its folder and a client.
pub(crate) struct Scene {
    pub(crate) node: Node,
    pub(crate) http: reqwest::Client,
    dir: TempDir,
}

/// How a node differs from the usual one of these tests.
#[derive(Default)]
pub(crate) struct Set {
    pub(crate) flags: Vec<(&'static str, String)>,
    pub(crate) services: Vec<Arc<dyn Service>>,
}

impl Set {
    pub(crate) fn flag(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.flags.push((key, value.into()));
        self
    }

    pub(crate) fn service(mut self, service: Arc<dyn Service>) -> Self {
        self.services.push(service);
        self
    }
}

/// Starts a node in `dir`, on the private network of these tests, on loopback alone.
pub(crate) async fn start_in(dir: &Path, set: Set) -> Result<Node, weft_node::StartError> {
    log_everything();
    let address = format!("127.66.{}.1", NEXT_ADDRESS.fetch_add(1, Ordering::Relaxed));
    let paths = Paths::within(dir);
    let mut sources = Sources { file: Some(paths.config_file.clone()), ..Sources::default() }
        .flag("test", "api.listen", "127.0.0.1:0")
        .flag("test", "network.name", NETWORK)
        .flag("test", "network.mdns", "false")
        .flag("test", "network.port_mapping", "false")
        .flag("test", "overlay.bind", address)
        .flag("test", "overlay.port", "0")
        .flag("test", "overlay.relay", "off");
    for (key, value) in set.flags {
        sources = sources.flag("test", key, value);
    }
    let loaded = sources.load().expect("a good configuration");
    let mut config = NodeConfig::new(paths, loaded);
    for service in set.services {
        config = config.service(service);
    }
    Node::start(config).await
}

impl Scene {
    pub(crate) async fn set(set: Set) -> Scene {
        let dir = tempfile::tempdir().expect("a folder");
        let node = start_in(&dir.path().join("data"), set).await.expect("the node starts");
        Scene { node, http: client(), dir }
    }

    pub(crate) async fn plain() -> Scene {
        Self::set(Set::default()).await
    }

    /// A folder beside the data folder.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn port(&self) -> u16 {
        self.node.address().api.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
    }

    /// A request without a token.
    pub(crate) fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.node.address().api))
    }

    /// A request as the CLI makes it.
    pub(crate) fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path).bearer_auth(self.node.token().reveal())
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        answer(self.ask(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        answer(self.ask(Method::POST, path).json(&body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> (u16, Value) {
        answer(self.ask(Method::PUT, path).json(&body)).await
    }

    /// Asks again and again until the answer is as wanted.
    pub(crate) async fn until(&self, path: &str, wanted: impl Fn(u16, &Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let (status, value) = self.get(path).await;
            if wanted(status, &value) {
                return value;
            }
            assert!(begun.elapsed() < DEADLINE, "{path} is still {status} {value}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn end(self) {
        self.node.stop().await;
    }
}

/// Status and JSON of the answer.
pub(crate) async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.expect("the API answers");
    let status = response.status().as_u16();
    let text = response.text().await.expect("an answer ends");
    let value = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap_or(Value::String(text)) };
    (status, value)
}

pub(crate) fn client() -> reqwest::Client {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    reqwest::Client::builder().no_proxy().build().expect("a client")
}

/// What was logged so far.
pub(crate) fn logged() -> String {
    let log = LOGGED.get().expect("logging was set up");
    String::from_utf8_lossy(&log.0.lock().expect("the log")).into_owned()
}

/// 64 MiB of log are kept: a test that logs more has another fault.
const MAX_LOG: usize = 64 << 20;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut log = self.0.lock().expect("the log");
        if log.len() < MAX_LOG {
            log.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Log;

    fn make_writer(&'a self) -> Log {
        self.clone()
    }
}

fn log_everything() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let log = LOGGED.get_or_init(Log::default).clone();
        let filter = tracing_subscriber::EnvFilter::new("debug,weft=trace,noq=info,hickory=info");
        tracing_subscriber::fmt().with_writer(log).with_env_filter(filter).with_ansi(false).init();
    });
}
