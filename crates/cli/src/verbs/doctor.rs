//! `weft doctor`: what is wrong, and what to do. It works with a running node, without one, and with a broken setting.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;
use weft_node::identity::Keystore;
use weft_node::{Config, Paths};

use crate::args::{Global, NetworkArgs};
use crate::client::Client;
use crate::failure::{Failure, Result};
use crate::shapes::{Health, HealthReport, Status};
use crate::table::plain;
use crate::{output, session, units};

/// 1 GB: a film fits no more.
const LITTLE_SPACE: u64 = 1_000_000_000;

/// 100 MB: the store goes read-only soon.
const NO_SPACE: u64 = 100_000_000;

/// 2,048 descriptors: connections of content and overlay together, and the files they go to.
const ENOUGH_DESCRIPTORS: u64 = 2048;

/// 60 s in the future is no rounding: a file's time comes from the same clock.
const CLOCK_SLACK_SECONDS: u64 = 60;

/// Find what is wrong, and say what to do.
///
/// With --json, {"ok", "checks": [{"check", "state": "ok" | "note" | "warning" | "failed", "says", "mend"}]}. Exit code 1 if
/// a check failed.
#[derive(Debug, Args)]
pub(crate) struct Doctor {}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Ok,
    /// Good to know; nothing to do.
    Note,
    Warning,
    Failed,
}

#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    state: State,
    says: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    mend: String,
}

impl Finding {
    fn ok(check: &'static str, says: impl Into<String>) -> Self {
        Finding { check, state: State::Ok, says: says.into(), mend: String::new() }
    }

    fn of(check: &'static str, state: State, says: impl Into<String>, mend: impl Into<String>) -> Self {
        Finding { check, state, says: says.into(), mend: mend.into() }
    }
}

pub(crate) async fn run(global: &Global, _: Doctor) -> Result<ExitCode> {
    let paths = session::paths(global)?;
    let (config, broken) = session::config_or_default(&session::sources(&paths, global, &NetworkArgs::default()));
    let mut findings = vec![config_file(&paths, broken)];
    findings.extend(folder_and_keys(&paths));
    findings.push(clock(&paths));
    findings.extend(disks(&paths, &config));
    findings.push(descriptors());
    findings.push(congestion());
    match Client::of_running(&paths.data_dir) {
        Ok(Some(client)) => findings.extend(running(&client).await),
        Ok(None) => {
            findings.push(Finding::of(
                "node",
                State::Note,
                "no node runs on this data folder",
                "start it with `weft up`",
            ));
            findings.extend(ports(&config));
        }
        Err(failure) => findings.push(Finding::of("node", State::Failed, failure.cause, failure.mend)),
    }
    let ok = findings.iter().all(|finding| finding.state != State::Failed);
    if global.json {
        output::say_json_pretty(&json!({ "ok": ok, "checks": findings }));
    } else {
        for finding in &findings {
            let mark = match finding.state {
                State::Ok => "ok     ",
                State::Note => "note   ",
                State::Warning => "WARNING",
                State::Failed => "FAILED ",
            };
            output::say(plain(&format!("{mark}  {:<12} {}", finding.check, finding.says)));
            if !finding.mend.is_empty() {
                output::say(plain(&format!("{:<22} mend: {}", "", finding.mend)));
            }
        }
    }
    Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn config_file(paths: &Paths, broken: Option<Failure>) -> Finding {
    let file = paths.config_file.display();
    match broken {
        Some(failure) => Finding::of("config", State::Failed, failure.cause, failure.mend),
        None if paths.config_file.exists() => Finding::ok("config", format!("{file} is good")),
        None => Finding::ok("config", format!("defaults (no {file})")),
    }
}

fn folder_and_keys(paths: &Paths) -> Vec<Finding> {
    let dir = &paths.data_dir;
    if !dir.exists() {
        let says = format!("{} is made at the first start", dir.display());
        return vec![Finding::of("data folder", State::Note, says, "")];
    }
    let mut findings = vec![match tempfile_in(dir) {
        Ok(()) => Finding::ok("data folder", dir.display().to_string()),
        Err(error) => Finding::of(
            "data folder",
            State::Failed,
            format!("{} cannot be written: {error}", dir.display()),
            "let this user own it (chown), free space there, or choose another --data-dir",
        ),
    }];
    let keystore = Keystore::in_data_dir(dir);
    findings.push(if keystore.exists() {
        private("keystore", &keystore.path())
    } else {
        Finding::of(
            "keystore",
            State::Note,
            "there is no identity yet",
            "`weft up` makes one; `weft id restore` brings yours",
        )
    });
    let token = dir.join("api-token");
    if token.exists() {
        findings.push(private("api token", &token));
    }
    findings
}

/// Whether the folder takes a file.
fn tempfile_in(dir: &Path) -> std::io::Result<()> {
    let probe = dir.join(format!(".doctor-{}", std::process::id()));
    std::fs::write(&probe, b"weft")?;
    std::fs::remove_file(probe)
}

/// Whether a file is this user's alone.
fn private(check: &'static str, path: &Path) -> Finding {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.permissions().mode() & 0o077 == 0 => {
            Finding::ok(check, format!("{} is yours alone", path.display()))
        }
        Ok(metadata) => Finding::of(
            check,
            State::Failed,
            format!("{} is open to others (mode {:03o})", path.display(), metadata.permissions().mode() & 0o777),
            format!("chmod 600 {}", path.display()),
        ),
        Err(error) => Finding::of(
            check,
            State::Failed,
            format!("{} cannot be looked at: {error}", path.display()),
            "check who owns the data folder",
        ),
    }
}

/// Certificates and signed records have times. Without asking anybody, what shows a wrong clock is a file from its future.
fn clock(paths: &Paths) -> Finding {
    let now = SystemTime::now();
    let known = [std::env::current_exe().ok(), Some(paths.config_file.clone()), Some(paths.data_dir.clone())];
    let ahead = known
        .into_iter()
        .flatten()
        .filter_map(|path| std::fs::metadata(path).ok()?.modified().ok()?.duration_since(now).ok())
        .map(|ahead| ahead.as_secs())
        .max()
        .unwrap_or(0);
    if ahead <= CLOCK_SLACK_SECONDS {
        return Finding::ok("clock", "it is not behind what was written here");
    }
    Finding::of(
        "clock",
        State::Warning,
        format!("it is at least {} behind: files here are from its future", units::seconds(ahead)),
        "set it (`timedatectl set-ntp true`): certificates and records of peers have times",
    )
}

fn disks(paths: &Paths, config: &Config) -> Vec<Finding> {
    let files = config.files.download_dir(&paths.data_dir);
    let mut findings = vec![disk("disk", &paths.data_dir)];
    if !files.starts_with(&paths.data_dir) {
        findings.push(disk("files disk", &files));
    }
    findings
}

fn disk(check: &'static str, dir: &Path) -> Finding {
    // The folder may not be there yet: its disk is that of the nearest folder above.
    let there: Option<PathBuf> = dir.ancestors().find(|dir| dir.exists()).map(Path::to_path_buf);
    let Some(stat) = there.and_then(|dir| rustix::fs::statvfs(dir).ok()) else {
        return Finding::of(
            check,
            State::Warning,
            format!("the disk of {} cannot be asked", dir.display()),
            "check its path",
        );
    };
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let says = format!("{} free for {}", units::bytes(free), dir.display());
    match free {
        ..NO_SPACE => Finding::of(check, State::Failed, says, "free space there; everything goes on by itself then"),
        NO_SPACE..LITTLE_SPACE => Finding::of(check, State::Warning, says, "free space there before it is full"),
        _ => Finding::ok(check, says),
    }
}

fn descriptors() -> Finding {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    match limit {
        Some(limit) if limit < ENOUGH_DESCRIPTORS => Finding::of(
            "open files",
            State::Warning,
            format!("this user's programs may have {limit} files and connections open"),
            format!("raise it: `ulimit -n {ENOUGH_DESCRIPTORS}`, or LimitNOFILE= in the systemd unit"),
        ),
        Some(limit) => Finding::ok("open files", format!("up to {limit}")),
        None => Finding::ok("open files", "without limit"),
    }
}

/// BBR is worth ten times the rate where packets are lost.
fn congestion() -> Finding {
    let read = |name: &str| std::fs::read_to_string(format!("/proc/sys/net/ipv4/{name}")).unwrap_or_default();
    let allowed = read("tcp_allowed_congestion_control");
    let available = read("tcp_available_congestion_control");
    let has = |list: &str| list.split_whitespace().any(|name| name == "bbr");
    let usual = read("tcp_congestion_control").trim().to_owned();
    if has(&allowed) || (has(&available) && rustix::process::geteuid().is_root()) {
        return Finding::ok("congestion", format!("bbr on our sockets (the system's usual is {usual})"));
    }
    let mend = if has(&available) {
        "let everybody use it: sysctl net.ipv4.tcp_allowed_congestion_control=\"reno cubic bbr\""
    } else {
        "load it: modprobe tcp_bbr, then sysctl net.ipv4.tcp_allowed_congestion_control=\"reno cubic bbr\""
    };
    Finding::of(
        "congestion",
        State::Note,
        format!("{usual}: slow on lines that lose packets; bbr is not offered"),
        mend,
    )
}

/// Whether a node could have its ports. A usual port that is taken gives way to another, so that is no failure.
fn ports(config: &Config) -> Vec<Finding> {
    let overlay = SocketAddr::new(config.overlay.bind, config.overlay.port);
    let api = config.api.listen;
    let tries = [
        ("api port", api, TcpListener::bind(api).err()),
        ("tcp port", overlay, TcpListener::bind(overlay).err()),
        ("udp port", overlay, UdpSocket::bind(overlay).err()),
    ];
    let finding = |(check, address, error): (&'static str, SocketAddr, Option<std::io::Error>)| match error {
        None => Finding::ok(check, format!("{address} is free")),
        Some(error) => Finding::of(
            check,
            State::Warning,
            format!("{address} cannot be had: {error}"),
            "stop what listens there, or choose another port (`weft config set overlay.port`, `api.listen`)",
        ),
    };
    tries.into_iter().map(finding).collect()
}

#[derive(Debug, Deserialize)]
struct Overlay {
    nat: String,
    addresses: Vec<String>,
    tcp_mapped: Option<String>,
    home_relay: Option<String>,
    relays: Vec<Relay>,
    dht: Dht,
    connections: usize,
}

#[derive(Debug, Deserialize)]
struct Relay {
    usable: bool,
}

#[derive(Debug, Deserialize)]
struct Dht {
    state: String,
    nodes: usize,
    ipv4_only: bool,
}

/// What only the running node knows.
async fn running(client: &Client) -> Vec<Finding> {
    let status: Status = match client.get("/api/v1/status").await {
        Ok(status) => status,
        Err(failure) => return vec![Finding::of("node", State::Failed, failure.cause, failure.mend)],
    };
    let up = units::seconds(status.uptime_seconds);
    let mut findings = vec![Finding::ok("node", format!("process {} answers at {}, up {up}", status.pid, status.api))];
    if let Ok(report) = client.get_any::<HealthReport>("/api/v1/health").await {
        let finding = |(part, health): (String, Health)| match health {
            Health::Ok => Finding::ok("health", format!("{part} is well")),
            Health::Degraded { because, mend } => {
                Finding::of("health", State::Failed, format!("{part}: {because}"), mend)
            }
        };
        findings.extend(report.parts.into_iter().map(finding));
    }
    match client.get::<Overlay>("/api/v1/network/status").await {
        Ok(overlay) => findings.extend(paths_out(&overlay, &status.network)),
        Err(failure) => findings.push(Finding::of("network", State::Failed, failure.cause, failure.mend)),
    }
    findings
}

fn paths_out(overlay: &Overlay, network: &str) -> Vec<Finding> {
    let dht = &overlay.dht;
    let mut findings = vec![match dht.state.as_str() {
        "joined" => Finding::ok("dht", format!("in the network, {} nodes known", dht.nodes)),
        "off" => {
            Finding::of("dht", State::Note, "it is off: swarms are found by trackers and links alone", "network.dht")
        }
        _ if network == "public" => Finding::of(
            "dht",
            State::Warning,
            "no node of it answers yet",
            "check that this machine is online and that UDP may leave; it tries again by itself",
        ),
        _ => Finding::of(
            "dht",
            State::Note,
            "it knows no other node: this may be the first of its network",
            "name another node's DHT address: `weft config set network.bootstrap HOST:PORT`",
        ),
    }];
    if dht.ipv4_only && dht.state != "off" {
        let says = "the DHT speaks IPv4 only: peers on IPv6 come from trackers, peer exchange and invitations";
        findings.push(Finding::of("ipv6", State::Note, says, ""));
    }
    findings.push(match overlay.nat.as_str() {
        "open" => Finding::ok("nat", "none: peers reach this node directly"),
        "endpoint-independent" => Finding::ok("nat", "of the kind through which peers meet directly"),
        "symmetric" => Finding::of(
            "nat",
            State::Note,
            "of the strict kind: with peers behind another such NAT, relays carry the bytes",
            "forward the port of `overlay.port` on the router and name it in `overlay.external`",
        ),
        "udp-blocked" => Finding::of(
            "nat",
            State::Warning,
            "UDP does not pass: peers are reached over TCP and relays alone",
            "allow UDP out in the firewall",
        ),
        _ => Finding::of("nat", State::Note, "not known: no relay has told how this node looks from outside", ""),
    });
    findings.push(match &overlay.tcp_mapped {
        Some(address) => Finding::ok("port map", format!("the router forwards {address}")),
        None => Finding::of("port map", State::Note, "the router forwards no port (none asked, or none given)", ""),
    });
    let usable = overlay.relays.iter().filter(|relay| relay.usable).count();
    findings.push(match &overlay.home_relay {
        Some(url) => Finding::ok("relays", format!("{usable} usable, reached through {url}")),
        None => Finding::of(
            "relays",
            State::Note,
            format!("{usable} usable, none connected"),
            "only needed where no direct path is; `overlay.relay_hints` names one by hand",
        ),
    });
    let addresses = overlay.addresses.len();
    findings.push(Finding::ok("peers", format!("{} connected, {addresses} addresses of our own", overlay.connections)));
    findings
}
