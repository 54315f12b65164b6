//! The endpoint's name resolver.
//!
//! iroh's own falls back to resolvers of companies. This one answers self-certifying relay names from the name itself,
//! without a query, and asks this machine's resolver only for names that the operator configured. A name that a stranger
//! put into a record is not looked up at all: the query alone would tell others what we are doing.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use iroh::dns::{BoxIter, DnsError, DnsResolver, Resolver, TxtRecordData};

use crate::guard::{ResolveHost, SystemResolver};
use crate::relay::RelayName;

type Answer<T> = futures::future::BoxFuture<'static, Result<BoxIter<T>, DnsError>>;

/// Names to addresses, for the endpoint.
#[derive(Clone)]
pub(crate) struct OverlayResolver {
    /// Hosts that the operator named.
    configured: Arc<BTreeSet<String>>,
    system: Arc<dyn ResolveHost>,
}

impl OverlayResolver {
    pub(crate) fn new(configured: impl IntoIterator<Item = String>) -> Self {
        let configured = configured.into_iter().map(|host| normal(&host)).collect();
        OverlayResolver { configured: Arc::new(configured), system: Arc::new(SystemResolver) }
    }

    /// The resolver as iroh takes it.
    pub(crate) fn into_dns(self) -> DnsResolver {
        DnsResolver::custom(self)
    }

    /// What is not found or not asked has no address.
    async fn addresses(self, host: String) -> Vec<IpAddr> {
        if let Some((_, ip)) = RelayName::parse_host(&host) {
            return vec![ip];
        }
        let host = normal(&host);
        if !self.configured.contains(&host) {
            return Vec::new();
        }
        match self.system.resolve(&host, 0).await {
            Ok(found) => found.into_iter().map(|address| address.ip()).collect(),
            Err(error) => {
                tracing::debug!(%error, host, "a relay's name does not resolve");
                Vec::new()
            }
        }
    }
}

fn normal(host: &str) -> String {
    host.trim_end_matches('.').to_ascii_lowercase()
}

impl fmt::Debug for OverlayResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OverlayResolver").field("configured", &self.configured).finish_non_exhaustive()
    }
}

impl Resolver for OverlayResolver {
    fn lookup_ipv4(&self, host: String) -> Answer<Ipv4Addr> {
        let this = self.clone();
        Box::pin(async move {
            let found = this.addresses(host).await;
            let v4 = found.into_iter().filter_map(|ip| match ip {
                IpAddr::V4(ip) => Some(ip),
                IpAddr::V6(_) => None,
            });
            Ok(Box::new(v4) as BoxIter<Ipv4Addr>)
        })
    }

    fn lookup_ipv6(&self, host: String) -> Answer<Ipv6Addr> {
        let this = self.clone();
        Box::pin(async move {
            let found = this.addresses(host).await;
            let v6 = found.into_iter().filter_map(|ip| match ip {
                IpAddr::V6(ip) => Some(ip),
                IpAddr::V4(_) => None,
            });
            Ok(Box::new(v6) as BoxIter<Ipv6Addr>)
        })
    }

    fn lookup_txt(&self, _host: String) -> Answer<TxtRecordData> {
        Box::pin(async { Ok(Box::new(std::iter::empty()) as BoxIter<TxtRecordData>) })
    }

    fn clear_cache(&self) {}

    fn reset(&self) -> Box<dyn Resolver> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::net::SocketAddr;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;

    use super::*;

    struct Counting(AtomicUsize);

    #[async_trait]
    impl ResolveHost for Counting {
        async fn resolve(&self, _host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok(vec![SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), port)])
        }
    }

    #[tokio::test]
    async fn only_configured_names_are_asked_of_the_system() {
        let queries = Arc::new(Counting(AtomicUsize::new(0)));
        let resolver =
            OverlayResolver { system: queries.clone(), ..OverlayResolver::new(["Relay.Example.org.".to_owned()]) };
        let key = weft_identity::DeviceSecret::from_bytes(&[3; 32]).public();
        let own = RelayName { key, address: "203.0.113.7:1".parse().unwrap() }.host();
        let found: Vec<_> = resolver.lookup_ipv4(own.clone()).await.unwrap().collect();
        assert_eq!(found, [Ipv4Addr::new(203, 0, 113, 7)]);
        assert_eq!(resolver.lookup_ipv6(own).await.unwrap().count(), 0);
        assert_eq!(resolver.lookup_ipv4("stranger.example".into()).await.unwrap().count(), 0);
        assert_eq!(resolver.lookup_txt("relay.example.org".into()).await.unwrap().count(), 0);
        assert_eq!(queries.0.load(Ordering::Relaxed), 0, "no query so far");
        assert_eq!(resolver.lookup_ipv4("relay.example.org".into()).await.unwrap().count(), 1);
        assert_eq!(queries.0.load(Ordering::Relaxed), 1);
    }
}
