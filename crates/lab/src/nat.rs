//! Routers with the kinds of address translation that peers meet, by nft.
//!
//! | kind | mapping | filter |
//! |---|---|---|
//! | [`NatKind::Easy`] | endpoint-independent: one outside port for an inside port, whoever is spoken to | address and port dependent |
//! | [`NatKind::Hard`] | symmetric: a new random port for each remote | address and port dependent |
//! | [`NatKind::Open`] | endpoint-independent | none: UDP to the outside address comes in |
//! | [`NatKind::NoUdp`] | endpoint-independent | UDP is dropped both ways |

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;

use crate::cable::DelayedCable;
use crate::netns::{Netns, Switch};

/// What a router does to the packets of who sits behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NatKind {
    /// Endpoint-independent mapping, port-restricted filter: hole punching works.
    Easy,
    /// Symmetric: hole punching between two of these fails.
    Hard,
    /// Endpoint-independent mapping, and unasked UDP comes in.
    Open,
    /// As [`Easy`](NatKind::Easy), but UDP is blocked.
    NoUdp,
}

/// A home behind a router on a switch: the router's namespace and one machine on its LAN.
#[derive(Debug)]
pub struct Home {
    router: Arc<Netns>,
    machine: Arc<Netns>,
    inside: Ipv4Addr,
    outside: Ipv4Addr,
    _cable: Option<DelayedCable>,
}

impl Home {
    /// Builds router and machine. `number` picks the LAN `192.168.number.0/24` and the router's last number on the
    /// switch; `delay` is what the way to the switch takes, each way.
    pub fn new(switch: &Switch, number: u8, kind: NatKind, delay: Duration) -> Result<Self> {
        let router = Netns::new("router")?;
        let machine = Netns::new("home")?;
        let gateway = Ipv4Addr::new(192, 168, number, 1);
        let inside = Ipv4Addr::new(192, 168, number, 2);
        let cable = match delay {
            Duration::ZERO => switch.plug(&router, "wan0", number).map(|_| None)?,
            delay => Some(DelayedCable::plug(switch, &router, "wan0", number, delay)?),
        };
        machine.connect(Switch::PORT, &router, "lan0")?;
        router.address("lan0", gateway, 24)?;
        machine.address(Switch::PORT, inside, 24)?;
        machine.default_route(gateway)?;
        router.default_route(switch.at(1))?;
        router.forward()?;
        router.nft(&rules(kind, inside))?;
        Ok(Home { router, machine, inside, outside: switch.at(number), _cable: cable })
    }

    /// The machine on the LAN.
    pub fn machine(&self) -> &Arc<Netns> {
        &self.machine
    }

    /// The router.
    pub fn router(&self) -> &Arc<Netns> {
        &self.router
    }

    /// The machine's address on its LAN.
    pub fn inside(&self) -> Ipv4Addr {
        self.inside
    }

    /// The router's address on the switch, which others see.
    pub fn outside(&self) -> Ipv4Addr {
        self.outside
    }
}

fn rules(kind: NatKind, inside: Ipv4Addr) -> String {
    let masquerade = match kind {
        NatKind::Hard => "masquerade random,fully-random",
        NatKind::Easy | NatKind::Open | NatKind::NoUdp => "masquerade",
    };
    let incoming = match kind {
        NatKind::Open => format!("iifname wan0 meta l4proto udp dnat to {inside}"),
        _ => String::new(),
    };
    let udp = match kind {
        NatKind::Open => "iifname wan0 meta l4proto udp accept",
        NatKind::NoUdp => "meta l4proto udp drop",
        NatKind::Easy | NatKind::Hard => "",
    };
    format!(
        "table ip lab {{
            chain translate {{ type nat hook postrouting priority srcnat; oifname wan0 {masquerade}; }}
            chain incoming {{ type nat hook prerouting priority dstnat; {incoming}
            }}
            chain through {{ type filter hook forward priority filter; {udp}
                ct state established,related accept
                iifname wan0 drop
            }}
            chain to_router {{ type filter hook input priority filter;
                ct state established,related accept
                iifname wan0 drop
            }}
        }}"
    )
}
