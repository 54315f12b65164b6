//! Announces over UDP (BEP 15).

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Instant;

use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::net::UdpSocket;
use url::Url;
use weft_bittorrent::tracker::udp::{Family, MAX_DATAGRAM, Output, Request, Response, UdpExchange, UdpTrackerError};
use weft_bittorrent::tracker::{Announce, AnnounceResponse};
use weft_overlay::guard::{AddressGuard, Origin};

use super::http::AnnounceError;

/// Two repetitions, 105 s in all: after that another tracker is asked.
const RETRIES: u32 = 2;

/// The most addresses of a tracker's name that are tried one after another.
const MAX_ADDRESSES: usize = 3;

/// Makes an announce to a `udp://` tracker.
pub(super) async fn announce(
    guard: &AddressGuard,
    tracker: &str,
    announce: &Announce,
    origin: Origin,
) -> Result<AnnounceResponse, AnnounceError> {
    let url = Url::parse(tracker).map_err(|_| AnnounceError::Url)?;
    let (Some(host), Some(port)) = (url.host_str(), url.port()) else { return Err(AnnounceError::Url) };
    let addresses = guard.resolve_checked(host, port, origin).await?;
    let path = match (url.path(), url.query()) {
        ("/", None) => String::new(),
        (path, None) => path.to_owned(),
        (path, Some(query)) => format!("{path}?{query}"),
    };
    let mut last = AnnounceError::Url;
    for address in addresses.into_iter().take(MAX_ADDRESSES) {
        match ask(address, &path, announce).await {
            Ok(response) => return Ok(response),
            Err(error @ AnnounceError::Udp(UdpTrackerError::Failure { .. })) => return Err(error),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn ask(address: SocketAddr, path: &str, announce: &Announce) -> Result<AnnounceResponse, AnnounceError> {
    let (local, family): (SocketAddr, _) = match address {
        SocketAddr::V4(_) => ((Ipv4Addr::UNSPECIFIED, 0).into(), Family::V4),
        SocketAddr::V6(_) => ((Ipv6Addr::UNSPECIFIED, 0).into(), Family::V6),
    };
    let socket = UdpSocket::bind(local).await?;
    socket.connect(address).await?; // only its datagrams come in
    let mut rng = StdRng::from_os_rng();
    let mut exchange = UdpExchange::new(family, path).with_retries(RETRIES);
    exchange.start(Request::Announce(announce.clone()), Instant::now());
    let mut buffer = vec![0; MAX_DATAGRAM];
    loop {
        match exchange.poll(Instant::now(), &mut rng) {
            Output::Send(datagram) => drop(socket.send(&datagram).await?),
            Output::Wait(until) => {
                let received = tokio::time::timeout_at(until.into(), socket.recv(&mut buffer)).await;
                if let Ok(n) = received {
                    exchange.handle(&buffer[..n?], Instant::now());
                }
            }
            Output::Done(result) => match result? {
                Response::Announce(response) => return Ok(response),
                Response::Scrape(_) => return Err(AnnounceError::Url),
            },
            Output::Idle => return Err(AnnounceError::Url),
        }
    }
}
