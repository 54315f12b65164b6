//! When a relay dies: another home at once, and connections that went through it go on through another one.
//!
//! Left alone, an endpoint looks for a new home relay only after 40 s and more. So the home relay's state is watched, and a
//! relay that carries somebody's packets is asked once a second. What is dead leaves the map (the endpoint then takes
//! another home within a fraction of a second), its connections are closed, and both ends dial one another by the relays
//! they told one another beforehand.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use iroh::{RelayUrl, Watcher};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::alpn::Channel;
use crate::connection::{CloseCode, Path, only_through};
use crate::event::OverlayEvent;
use crate::hub::Hub;
use crate::keys::PeerKey;
use crate::pool::{Claim, DialError, Outcome};
use crate::relay::{RelayHint, probe};

/// 8 relays probed at a time: the three of ours and some of peers'. What goes through more of them waits for QUIC's own
/// timeout.
const MAX_PROBES: usize = 8;

/// Which relays need a probe is looked at as often as they are probed.
const PROBE_ROUND: Duration = Duration::from_secs(1);

/// 3 rounds without a home: a report of the network takes under a second, and one may have begun before the relay died.
const HOMELESS_ROUNDS: u32 = 3;

/// 30 s between looks at the relays that are not home: the second one must live when the first one dies.
const CHECK: Duration = Duration::from_secs(30);

/// Tickets last a week; each day a new one.
const TICKETS: Duration = Duration::from_secs(24 * 3600);

/// The peer is at its new relay within half a second. The first tries are short, so that a packet that came before it is
/// soon sent again.
const FIRST_TRY: Duration = Duration::from_millis(400);

/// 4 s: a handshake through a far relay.
const LAST_TRY: Duration = Duration::from_secs(4);

/// 30 s of trying; then whoever needs the peer dials anew.
const TRY_FOR: Duration = Duration::from_secs(30);

/// Watches the home relay.
pub(crate) async fn watch_home(hub: Arc<Hub>) {
    let mut watcher = hub.endpoint.home_relay_status();
    let mut home: Option<RelayUrl> = None;
    loop {
        for status in watcher.get() {
            let url = status.url().clone();
            if !hub.relays.uses(&url) {
                // A relay that was held open for a dial only, and was nearest just then.
                hub.endpoint.remove_relay(&url).await;
            } else if status.is_connected() {
                if home.as_ref() != Some(&url) {
                    home = Some(url.clone());
                    let after_ms = hub.relays.is_home(&url).map(millis);
                    hub.events.emit(&OverlayEvent::HomeRelay { url: url.to_string(), after_ms });
                }
            } else if let Some(error) = status.last_error() {
                let reason = status.auth_denied_reason().map_or_else(|| error.to_string(), str::to_owned);
                if home.as_ref() == Some(&url) {
                    home = None;
                }
                hub.relay_dead(&url, &reason).await;
            }
        }
        if watcher.updated().await.is_err() {
            return;
        }
    }
}

/// Probes the relays that connections go through, and takes lost ones back in time.
pub(crate) async fn probe_relays(hub: Arc<Hub>) {
    let mut probes: BTreeMap<RelayUrl, DropGuard> = BTreeMap::new();
    let mut rounds = tokio::time::interval(PROBE_ROUND);
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut tickets, mut checked) = (Instant::now(), Instant::now());
    let mut homeless = 0;
    loop {
        rounds.tick().await;
        homeless = if hub.endpoint.home_relay_status().get().iter().any(|status| status.is_connected()) {
            0
        } else {
            homeless + 1
        };
        if homeless >= HOMELESS_ROUNDS {
            homeless = 0;
            hub.relays.look_again().await;
        }
        hub.try_lost_relays();
        if checked.elapsed() >= CHECK {
            checked = Instant::now();
            hub.check_other_relays();
        }
        if tickets.elapsed() >= TICKETS {
            tickets = Instant::now();
            hub.relays.renew_tickets();
        }
        let mut needed = hub.carrying_relays();
        needed.truncate(MAX_PROBES);
        probes.retain(|url, _| needed.iter().any(|hint| hint.url() == url));
        for hint in needed {
            probes.entry(hint.url().clone()).or_insert_with(|| hub.probe(hint));
        }
    }
}

impl Hub {
    /// Relays that some connection's packets go through now.
    fn carrying_relays(&self) -> Vec<RelayHint> {
        let mut carrying: Vec<RelayHint> = Vec::new();
        for connection in self.pool.all() {
            let Path::Relayed(url) = connection.path() else { continue };
            if carrying.iter().any(|hint| *hint.url() == url) {
                continue;
            }
            if let Ok(hint) = url.to_string().parse() {
                carrying.push(hint);
            }
        }
        carrying
    }

    /// Tries the lost relays whose time has come.
    fn try_lost_relays(self: &Arc<Self>) {
        for hint in self.relays.due() {
            let hub = self.clone();
            self.tasks.spawn(async move {
                let rtt = probe::measure(&hint, hub.resolver.clone()).await.ok();
                hub.relays.retried(&hint, rtt).await;
            });
        }
    }

    /// Looks whether the relays live that are in use but not home.
    fn check_other_relays(self: &Arc<Self>) {
        let home = self.endpoint.addr().relay_urls().next().cloned();
        for hint in self.relays.used().into_iter().filter(|hint| Some(hint.url()) != home.as_ref()) {
            let hub = self.clone();
            self.tasks.spawn(async move {
                match probe::measure(&hint, hub.resolver.clone()).await {
                    Ok(rtt) => hub.relays.works(hint.url(), Some(rtt)),
                    Err(death) => hub.relay_dead(hint.url(), &death.to_string()).await,
                }
            });
        }
    }

    /// Starts a probe that lives as long as the guard.
    fn probe(self: &Arc<Self>, hint: RelayHint) -> DropGuard {
        let cancel = CancellationToken::new();
        let (hub, stop) = (self.clone(), cancel.clone());
        self.tasks.spawn(async move {
            let watch = async {
                loop {
                    let url = hint.url();
                    let death = probe::watch(&hint, hub.resolver.clone(), |rtt| hub.relays.works(url, Some(rtt))).await;
                    hub.relay_dead(url, &death.to_string()).await;
                    tokio::time::sleep(PROBE_ROUND).await;
                }
            };
            stop.run_until_cancelled(watch).await;
        });
        cancel.drop_guard()
    }

    /// Somebody says that a relay is dead: ask it.
    pub(crate) fn relay_suspected(self: &Arc<Self>, hint: RelayHint) {
        let hub = self.clone();
        self.tasks.spawn(async move {
            if let Err(death) = probe::measure(&hint, hub.resolver.clone()).await {
                hub.relay_dead(hint.url(), &death.to_string()).await;
            }
        });
    }

    /// A relay is dead: out of the map, and what went through it goes another way.
    pub(crate) async fn relay_dead(self: &Arc<Self>, url: &RelayUrl, reason: &str) {
        let noticed = Instant::now();
        // Who was connected through it only, before the endpoint changes anything.
        let cut: Vec<_> = self.pool.all().into_iter().filter(|connection| connection.only_through(url)).collect();
        self.relays.lost(url, reason).await;
        if cut.is_empty() {
            return;
        }
        tracing::debug!(relay = %url, reason, cut = cut.len(), "connections went through a relay that is dead");
        let Ok(hint) = url.to_string().parse::<RelayHint>() else { return };
        // Gossip's connections too: while one lives, the endpoint sends everything for its peer the same way.
        for connection in self.census.all() {
            if only_through(&connection, url) {
                CloseCode::RelayLost.close(&connection);
            }
        }
        for connection in cut {
            self.redial(connection.peer, connection.channel, hint.clone(), noticed);
        }
    }

    /// Dials a peer again until it answers, for everybody who asks for it meanwhile.
    fn redial(self: &Arc<Self>, peer: PeerKey, channel: Channel, lost: RelayHint, noticed: Instant) {
        // If somebody dials already, they do it for us too.
        let Claim::Dial(report, _) = self.pool.claim(peer, channel) else { return };
        let hub = self.clone();
        self.tasks.spawn(async move {
            let result = hub.dial_until(peer, channel, &lost, noticed).await;
            if result.is_ok() && channel == Channel::Control {
                let after_ms = millis(noticed.elapsed());
                hub.events.emit(&OverlayEvent::PeerReconnected { peer, lost_relay: lost.to_string(), after_ms });
            }
            hub.pool.dialed(peer, channel);
            report.send_replace(Some(result));
        });
    }

    async fn dial_until(
        self: &Arc<Self>,
        peer: PeerKey,
        channel: Channel,
        lost: &RelayHint,
        noticed: Instant,
    ) -> Outcome {
        let mut patience = FIRST_TRY;
        loop {
            let tried = tokio::time::timeout(patience, self.dial(peer, channel, Some(lost))).await;
            // The peer dialled us meanwhile.
            if let Some(connection) = self.pool.live(&peer, channel) {
                return Ok(connection);
            }
            let failure = match tried {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(error @ (DialError::Blocked | DialError::WrongNetwork | DialError::ShuttingDown))) => {
                    return Err(error);
                }
                Ok(Err(error)) => error,
                Err(elapsed) => DialError::transport(elapsed),
            };
            if noticed.elapsed() >= TRY_FOR {
                return Err(failure);
            }
            // A try that failed at once (no address yet) is not repeated at once.
            tokio::time::sleep(patience / 4).await;
            patience = (patience * 2).min(LAST_TRY);
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
