//! Network namespaces that go away with their handle.
//!
//! A [`Netns`] is a machine's network of its own. [`Netns::connect`] lays a virtual cable between two; [`Switch`] is a
//! namespace with a bridge to plug many into. All of it needs root: ask [`refusal`] first, and say what it says.

use std::fs::File;
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use anyhow::{Context, Result, anyhow};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::command::run;

/// Every namespace of a lab begins with this and the process id, so that leftovers can be told from live ones.
const PREFIX: &str = "weft";

/// Why no namespaces can be made here, or `None` if they can.
pub fn refusal() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("network namespaces need root".into());
    }
    for (tool, flag, package) in
        [("ip", "-V", "iproute2"), ("nft", "--version", "nftables"), ("sysctl", "--version", "procps")]
    {
        if run(tool, &[flag]).is_err() {
            return Some(format!("`{tool}` is missing: apt-get install {package}"));
        }
    }
    match Netns::new("probe") {
        Ok(_) => None,
        Err(e) => Some(format!("this machine allows no network namespaces: {e:#}")),
    }
}

/// A network namespace with its loopback up and IPv6 off; deleted on drop.
#[derive(Debug)]
pub struct Netns {
    name: String,
    runtime: Mutex<Option<Runtime>>,
}

/// A thread that lives inside the namespace and drives sockets there.
#[derive(Debug)]
struct Runtime {
    handle: Handle,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Netns {
    /// Makes one; `role` becomes part of its name.
    pub fn new(role: &str) -> Result<Arc<Self>> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("{PREFIX}{}-{}-{role}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        run("ip", &["netns", "add", &name])?;
        let netns = Netns { name, runtime: Mutex::new(None) };
        netns.ip(&["link", "set", "lo", "up"])?;
        // Labs speak IPv4: without this, router solicitations and neighbour discovery would spoil packet counts.
        netns.run("sysctl", &["-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1"])?;
        Ok(Arc::new(netns))
    }

    /// Its name, as `ip netns` knows it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `ip -n NAME …`
    pub fn ip(&self, arguments: &[&str]) -> Result<String> {
        run("ip", &[&["-n", &self.name], arguments].concat())
    }

    /// Runs a command inside to its end.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Result<String> {
        run("ip", &[&["netns", "exec", &self.name, program], arguments].concat())
    }

    /// Runs an nft script inside, all of it or nothing.
    pub fn nft(&self, script: &str) -> Result<String> {
        self.run("nft", &[script]).with_context(|| format!("in the nft script:\n{script}"))
    }

    /// Gives an interface an address and takes it up.
    pub fn address(&self, interface: &str, address: Ipv4Addr, prefix: u8) -> Result<()> {
        self.ip(&["addr", "add", &format!("{address}/{prefix}"), "dev", interface])?;
        self.ip(&["link", "set", interface, "up"])?;
        Ok(())
    }

    /// Sends everything that has no better route to `gateway`.
    pub fn default_route(&self, gateway: Ipv4Addr) -> Result<()> {
        self.ip(&["route", "add", "default", "via", &gateway.to_string()])?;
        Ok(())
    }

    /// Forwards packets between interfaces, as a router does.
    pub fn forward(&self) -> Result<()> {
        self.run("sysctl", &["-qw", "net.ipv4.ip_forward=1"])?;
        Ok(())
    }

    /// A cable: interface `here` in this namespace, `there` in the other.
    pub fn connect(&self, here: &str, other: &Netns, there: &str) -> Result<()> {
        self.ip(&["link", "add", here, "type", "veth", "peer", "name", there, "netns", other.name()])?;
        Ok(())
    }

    /// Bytes that left through `interface`.
    pub fn sent(&self, interface: &str) -> Result<u64> {
        let counter = self.run("cat", &[&format!("/sys/class/net/{interface}/statistics/tx_bytes")])?;
        counter.trim().parse().context("the byte counter is no number")
    }

    /// A tokio runtime whose sockets are inside this namespace: spawn there what has to talk to who lives here.
    pub fn runtime(&self) -> Result<Handle> {
        let mut runtime = self.runtime.lock().map_err(|_| anyhow!("a thread panicked inside {}", self.name))?;
        if let Some(runtime) = &*runtime {
            return Ok(runtime.handle.clone());
        }
        let place = File::open(format!("/run/netns/{}", self.name)).context("the namespace is gone")?;
        let (ready, started) = std::sync::mpsc::sync_channel(1);
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name(self.name.clone()).spawn(move || {
            let made = move_into_link_name_space(place.as_fd(), Some(LinkNameSpaceType::Network))
                .map_err(std::io::Error::from)
                .and_then(|()| tokio::runtime::Builder::new_current_thread().enable_all().build());
            match made {
                Ok(inner) => {
                    let _ = ready.send(Ok(inner.handle().clone()));
                    let _ = inner.block_on(stopped);
                }
                Err(e) => drop(ready.send(Err(e))),
            }
        })?;
        let handle = started.recv().context("the namespace's thread ended")?.context("cannot enter the namespace")?;
        *runtime = Some(Runtime { handle: handle.clone(), stop, thread });
        Ok(handle)
    }
}

impl Drop for Netns {
    fn drop(&mut self) {
        if let Ok(Some(runtime)) = self.runtime.get_mut().map(Option::take) {
            let _ = runtime.stop.send(());
            // The last handle may be dropped by a task on that very thread, which cannot join itself.
            if runtime.thread.thread().id() != std::thread::current().id() {
                let _ = runtime.thread.join();
            }
        }
        let _ = run("ip", &["netns", "del", &self.name]);
    }
}

/// Deletes namespaces of labs whose process has died without doing so itself.
pub fn sweep() {
    for line in run("ip", &["netns", "list"]).unwrap_or_default().lines() {
        let name = line.split_whitespace().next().unwrap_or("");
        let owner =
            name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next()).and_then(|pid| pid.parse::<u32>().ok());
        if owner.is_some_and(|pid| !std::path::Path::new(&format!("/proc/{pid}")).exists()) {
            let _ = run("ip", &["netns", "del", name]);
        }
    }
}

/// A namespace with a bridge: what a switch is to machines. It has an address of its own, where a lab puts its tracker.
#[derive(Debug)]
pub struct Switch {
    netns: Arc<Netns>,
    subnet: [u8; 3],
    ports: AtomicU32,
}

impl Switch {
    /// The bridge's interface.
    pub const BRIDGE: &'static str = "br0";
    /// The name of the interface a plugged-in namespace gets, unless it says another.
    pub const PORT: &'static str = "eth0";

    /// A switch for the /24 `a.b.c.0`, itself at `a.b.c.1`.
    pub fn new(subnet: [u8; 3]) -> Result<Self> {
        let netns = Netns::new("switch")?;
        netns.ip(&["link", "add", Self::BRIDGE, "type", "bridge"])?;
        let switch = Switch { netns, subnet, ports: AtomicU32::new(0) };
        switch.netns.address(Self::BRIDGE, switch.at(1), 24)?;
        Ok(switch)
    }

    /// The namespace the bridge is in.
    pub fn netns(&self) -> &Arc<Netns> {
        &self.netns
    }

    /// The address with this last number.
    pub fn at(&self, host: u8) -> Ipv4Addr {
        let [a, b, c] = self.subnet;
        Ipv4Addr::new(a, b, c, host)
    }

    /// A number for the names of one cable's ends.
    pub fn next_port(&self) -> u32 {
        self.ports.fetch_add(1, Ordering::Relaxed)
    }

    /// Plugs a namespace in as `interface` at `a.b.c.host`; returns the name of the switch's side of the cable.
    pub fn plug(&self, netns: &Netns, interface: &str, host: u8) -> Result<String> {
        let port = format!("p{}", self.next_port());
        self.netns.connect(&port, netns, interface)?;
        self.netns.ip(&["link", "set", &port, "master", Self::BRIDGE, "up"])?;
        netns.address(interface, self.at(host), 24)?;
        Ok(port)
    }

    /// Plugs a namespace in as [`plug`](Switch::plug) does, by the cable whose ends are interfaces of the switch's
    /// namespace called `near` and `far`.
    pub fn plug_cable(&self, netns: &Netns, interface: &str, host: u8, near: &str, far: &str) -> Result<()> {
        self.netns.ip(&["link", "set", far, "netns", netns.name(), "name", interface])?;
        self.netns.ip(&["link", "set", near, "master", Self::BRIDGE, "up"])?;
        netns.address(interface, self.at(host), 24)
    }

    /// A new machine on this switch. Its default route leads to the switch, as to a router that forwards nothing:
    /// what is sent to an outside address gets there, can be counted, and goes no further.
    pub fn machine(&self, role: &str, host: u8) -> Result<Arc<Netns>> {
        let netns = Netns::new(role)?;
        self.plug(&netns, Self::PORT, host)?;
        netns.default_route(self.at(1))?;
        Ok(netns)
    }
}
