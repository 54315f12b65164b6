//! The service's counters and gauges.

use weft_overlay::listener::ListenerCounts;
use weft_overlay::{DhtState, OverlayStatus, PathKind, PeerSnapshot};
use weft_service::Sample;

#[allow(clippy::cast_precision_loss)]
pub(crate) fn samples(status: &OverlayStatus, peers: &[PeerSnapshot], listener: &ListenerCounts) -> Vec<Sample> {
    let usable = status.relays.iter().filter(|relay| relay.usable).count();
    let joined = if status.dht.state == DhtState::Joined { 1.0 } else { 0.0 };
    let clients = status.offered_relay.as_ref().map_or(0, |relay| relay.clients);
    let mut samples = vec![
        Sample::gauge("network_connections", "Overlay connections", status.connections as f64),
        Sample::gauge("network_peers_known", "Peers that were observed", peers.len() as f64),
        Sample::gauge("network_relays_usable", "Relays that can be used", usable as f64),
        Sample::gauge("network_relay_clients", "Peers that use our relay", clients as f64),
        Sample::gauge("network_dht_joined", "Whether the DHT node is in the network", joined),
        Sample::gauge("network_dht_nodes", "Nodes in the DHT node's table", status.dht.nodes as f64),
    ];
    for path in PathKind::ALL {
        let of_path = || peers.iter().flat_map(|peer| &peer.paths).filter(move |row| row.path == path);
        let open: u32 = of_path().map(|row| row.open).sum();
        let gauge = Sample::gauge("network_links", "Links open, by path", f64::from(open));
        samples.push(gauge.label("path", path.as_str()));
        // Peers that made room in the table take their bytes along, so these may fall: gauges, not counters.
        for (direction, bytes) in
            [("in", of_path().map(|row| row.bytes_in).sum()), ("out", of_path().map(|row| row.bytes_out).sum::<u64>())]
        {
            let bytes: u64 = bytes;
            let gauge =
                Sample::gauge("network_peer_bytes", "Bytes exchanged with the peers in the table", bytes as f64);
            samples.push(gauge.label("path", path.as_str()).label("direction", direction));
        }
    }
    let outcomes = [
        ("plain", listener.plain),
        ("tls", listener.tls),
        ("blocked", listener.blocked),
        ("crowded-out", listener.crowded_out),
        ("timed-out", listener.timed_out),
        ("unknown", listener.unknown),
        ("tls-failed", listener.tls_failed),
    ];
    samples.extend(outcomes.into_iter().map(|(outcome, count)| {
        Sample::counter("network_tcp_accepted", "TCP connections taken, by what became of them", count)
            .label("outcome", outcome)
    }));
    samples
}
