//! Faults of the wire: a rate, loss, a partition, and a count of what leaves. By tbf and nft, because the kernels these
//! labs run on need not have netem.

use anyhow::{Context, Result};

use crate::netns::Netns;

/// Limits what leaves through `interface` to `bits` a second, with 50 ms of queue.
pub fn rate(netns: &Netns, interface: &str, bits: u64) -> Result<()> {
    // The bucket holds 10 ms of traffic, and at least a few full-sized segments of segmentation offload.
    let burst = (bits / 8 / 100).max(256 * 1024);
    let arguments = [
        "qdisc",
        "replace",
        "dev",
        interface,
        "root",
        "tbf",
        "rate",
        &format!("{bits}bit"),
        "burst",
        &burst.to_string(),
        "latency",
        "50ms",
    ];
    netns.run("tc", &arguments)?;
    Ok(())
}

/// Drops `percent` of the packets that come in.
pub fn loss(netns: &Netns, percent: u8) -> Result<()> {
    netns.nft(&format!(
        "table inet loss {{
            chain in {{ type filter hook input priority -300; iifname != lo numgen random mod 100 < {percent} drop; }}
        }}"
    ))?;
    Ok(())
}

/// Cuts a machine off: nothing but loopback comes in or goes out, and nobody is told.
pub fn partition(netns: &Netns) -> Result<()> {
    netns.nft(
        "table inet partition {
            chain in { type filter hook input priority -300; iifname != lo drop; }
            chain out { type filter hook output priority -300; oifname != lo drop; }
            chain through { type filter hook forward priority -300; drop; }
        }",
    )?;
    Ok(())
}

/// Ends a [`partition`].
pub fn heal(netns: &Netns) -> Result<()> {
    netns.nft("delete table inet partition")?;
    Ok(())
}

/// Blocks one protocol (`"udp"` or `"tcp"`) coming in and going out.
pub fn block(netns: &Netns, protocol: &str) -> Result<()> {
    netns.nft(&format!(
        "table inet block_{protocol} {{
            chain in {{ type filter hook input priority -300; iifname != lo meta l4proto {protocol} drop; }}
            chain out {{ type filter hook output priority -300; oifname != lo meta l4proto {protocol} drop; }}
        }}"
    ))?;
    Ok(())
}

/// Counts the packets that try to leave a machine, and those among them that ask a name server, loopback included.
#[derive(Debug)]
pub struct LeakCount<'a>(&'a Netns);

/// What [`LeakCount::read`] has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaks {
    /// Packets out of any interface but loopback.
    pub outside: u64,
    /// Packets to port 53, wherever.
    pub names: u64,
}

impl<'a> LeakCount<'a> {
    /// Begins to count.
    pub fn start(netns: &'a Netns) -> Result<Self> {
        netns.nft(
            "table inet leaks {
                counter outside {}
                counter names {}
                chain out { type filter hook output priority 0;
                    oifname != lo counter name outside
                    meta l4proto { tcp, udp } th dport 53 counter name names
                }
            }",
        )?;
        Ok(LeakCount(netns))
    }

    /// The counts so far.
    pub fn read(&self) -> Result<Leaks> {
        Ok(Leaks { outside: self.counter("outside")?, names: self.counter("names")? })
    }

    fn counter(&self, name: &str) -> Result<u64> {
        let text = self.0.run("nft", &["list", "counter", "inet", "leaks", name])?;
        let mut words = text.split_whitespace().skip_while(|w| *w != "packets");
        words.nth(1).and_then(|n| n.parse().ok()).with_context(|| format!("nft said no packet count: {text}"))
    }
}
