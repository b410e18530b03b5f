//! What the deployment says about requests: which proxies are believed, and so where a request
//! came from, to which host it went, and whether it was encrypted on its way.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use crate::codec::origin::{AllowedHosts, Disallowed};
use crate::request::Request;

/// Django's ALLOWED_HOSTS, USE_X_FORWARDED_*, SECURE_PROXY_SSL_HEADER, and whose word counts.
pub(crate) struct Site {
    pub allowed_hosts: AllowedHosts,
    pub use_x_forwarded_host: bool,
    pub use_x_forwarded_port: bool,
    /// The header (`X-Forwarded-Proto`) and what it says when the client came over TLS.
    pub secure_proxy_ssl_header: Option<(String, String)>,
    pub trusted_proxies: Vec<Network>,
}

/// An address, or all that start with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// `10.0.0.0/8`, `::1`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits: u8 = bits.map_or(Some(most), |bits| bits.parse().ok().filter(|bits| *bits <= most))?;
        // Peers are compared as what they are: ::ffff:192.0.2.0/120 is 192.0.2.0/24.
        match address.to_canonical() {
            mapped if mapped != address => Some(Self { address: mapped, bits: bits.checked_sub(128 - 32)? }),
            _ => Some(Self { address, bits }),
        }
    }

    /// Whether every address of its kind lies in it.
    pub(crate) fn is_everybody(self) -> bool {
        self.bits == 0
    }

    /// Whether an address lies in it.
    pub(crate) fn has(self, address: IpAddr) -> bool {
        let shared = match (self.address, address) {
            (IpAddr::V4(a), IpAddr::V4(b)) => (u32::from(a) ^ u32::from(b)).leading_zeros(),
            (IpAddr::V6(a), IpAddr::V6(b)) => (u128::from(a) ^ u128::from(b)).leading_zeros(),
            _ => return false,
        };
        shared >= u32::from(self.bits)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

impl Site {
    /// Whether the peer is a proxy whose headers are believed.
    pub(crate) fn believes(&self, request: &Request<'_>) -> bool {
        !self.trusted_proxies.is_empty() && peer(request).is_some_and(|peer| self.trusts(peer))
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.has(address))
    }

    /// Whether the client's request was encrypted (`HttpRequest.scheme`).
    pub(crate) fn is_secure(&self, request: &Request<'_>) -> bool {
        if let Some((name, value)) = &self.secure_proxy_ssl_header
            && self.believes(request)
            && let Some(said) = request.header(name.as_bytes())
        {
            return said.split(|b| *b == b',').next().is_some_and(|first| first.trim_ascii() == value.as_bytes());
        }
        request.tls
    }

    /// Whether the request was made on this machine. What a proxy on this machine has sent on was not,
    /// wherever it says that it comes from.
    pub(crate) fn is_from_here(&self, request: &Request<'_>) -> bool {
        let own = self.secure_proxy_ssl_header.as_ref().map(|(name, _)| name.as_str());
        let is_sent_on = FORWARDING.into_iter().chain(own).any(|name| request.header(name.as_bytes()).is_some());
        !is_sent_on && peer(request).is_some_and(|peer| peer.is_loopback())
    }

    /// Host and port that the client meant, if it is one of ours (`HttpRequest.get_host`).
    pub(crate) fn host<'r>(&self, request: &'r Request<'_>) -> Result<Cow<'r, str>, Disallowed> {
        let bytes = self.raw_host(request);
        let host = String::from_utf8_lossy(&bytes);
        self.allowed_hosts.allow(&host)?;
        Ok(Cow::Owned(host.into_owned()))
    }

    fn raw_host<'r>(&self, request: &'r Request<'_>) -> Cow<'r, [u8]> {
        if self.use_x_forwarded_host
            && self.believes(request)
            && let Some(host) = request.header(b"x-forwarded-host")
        {
            return host;
        }
        request.header(b"host").unwrap_or(Cow::Borrowed(request.host))
    }

    /// The port that the client meant (`HttpRequest.get_port`), from the host where it says one.
    pub(crate) fn port(&self, request: &Request<'_>) -> String {
        if self.use_x_forwarded_port
            && self.believes(request)
            && let Some(port) = request.header(b"x-forwarded-port")
        {
            return String::from_utf8_lossy(&port).into_owned();
        }
        let usual = if request.tls { "443" } else { "80" };
        let host = String::from_utf8_lossy(request.host);
        match host.rsplit_once(':') {
            Some((_, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => port.to_owned(),
            _ => usual.to_owned(),
        }
    }

    /// The client's address: the peer, or behind trusted proxies the last address in
    /// `X-Forwarded-For` that none of them has; what stands before it anybody could have written.
    pub(crate) fn client(&self, request: &Request<'_>) -> Option<IpAddr> {
        let peer = peer(request)?;
        if !self.trusts(peer) {
            return Some(peer);
        }
        let Some(forwarded) = request.header(b"x-forwarded-for") else { return Some(peer) };
        let hops = forwarded.rsplit(|b| *b == b',').map(|hop| address(hop.trim_ascii()));
        // An entry that is no address ends what can be followed.
        hops.map_while(|hop| hop).find(|hop| !self.trusts(*hop)).or(Some(peer))
    }
}

/// What proxies add (RFC 7239, and what was there before it).
const FORWARDING: [&str; 7] =
    ["Forwarded", "Via", "X-Real-IP", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port"];

fn peer(request: &Request<'_>) -> Option<IpAddr> {
    address(request.peer)
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let address: IpAddr = std::str::from_utf8(bytes).ok()?.parse().ok()?;
    Some(address.to_canonical()) // ::ffff:192.0.2.1 is 192.0.2.1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Headers;

    fn site() -> Site {
        Site {
            allowed_hosts: AllowedHosts::new(&["example.com".to_owned()]),
            use_x_forwarded_host: true,
            use_x_forwarded_port: true,
            secure_proxy_ssl_header: Some(("X-Forwarded-Proto".to_owned(), "https".to_owned())),
            trusted_proxies: ["10.0.0.0/8", "::1"].map(|text| Network::parse(text).unwrap()).to_vec(),
        }
    }

    fn request<'a>(peer: &'a str, block: &'a str) -> Request<'a> {
        let mut request = Request::new(Headers::Block(block.as_bytes()));
        request.peer = peer.as_bytes();
        request
    }

    #[test]
    fn networks_have_the_addresses_that_share_their_bits() {
        for (network, address, has) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("0.0.0.0/0", "192.0.2.1", true),
            ("0.0.0.0/0", "::1", false),
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("fe80::/10", "febf::1", true),
            ("::ffff:127.0.0.1", "127.0.0.1", true),
            ("::ffff:10.0.0.0/104", "10.9.9.9", true),
            ("::ffff:10.0.0.0/104", "11.0.0.1", false),
        ] {
            assert_eq!(Network::parse(network).unwrap().has(address.parse().unwrap()), has, "{network} {address}");
        }
        for wrong in ["", "10.0.0.0/33", "10.0.0", "a/8", "::1/129", "10.0.0.0/", "::ffff:0.0.0.0/95"] {
            assert_eq!(Network::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn forwarded_headers_of_strangers_are_not_believed() {
        let block = "Host: example.com\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\n\
                     X-Forwarded-For: 192.0.2.9\r\nX-Forwarded-Port: 444\r\n";
        for peer in ["192.0.2.7", ""] {
            let request = request(peer, block);
            assert_eq!(site().host(&request).as_deref(), Ok("example.com"));
            assert!(!site().is_secure(&request));
            assert_eq!(site().port(&request), "80");
            assert_eq!(site().client(&request), peer.parse().ok());
        }
        let request = request("10.1.2.3", block);
        assert!(site().host(&request).is_err() && site().is_secure(&request));
        assert_eq!(site().port(&request), "444");
        assert_eq!(site().client(&request), "192.0.2.9".parse().ok());
    }

    #[test]
    fn what_a_proxy_on_this_machine_sends_on_is_not_from_here() {
        assert!(site().is_from_here(&request("127.0.0.1", "Host: x\r\n")));
        assert!(site().is_from_here(&request("::ffff:127.0.0.1", "")));
        assert!(!site().is_from_here(&request("192.0.2.1", "")) && !site().is_from_here(&request("", "")));
        for header in FORWARDING.into_iter().chain(["x-forwarded-proto"]) {
            for value in ["127.0.0.1", "http", "", "unknown"] {
                let block = format!("{header}: {value}\r\n");
                assert!(!site().is_from_here(&request("127.0.0.1", &block)), "{block}");
            }
        }
    }

    #[test]
    fn the_client_is_the_last_hop_that_no_trusted_proxy_has() {
        for (forwarded, client) in [
            ("192.0.2.1, 198.51.100.2, 10.0.0.9", "198.51.100.2"),
            ("192.0.2.1, junk, 10.0.0.9", "10.1.2.3"),
            ("10.0.0.1, 10.0.0.2", "10.1.2.3"),
            ("", "10.1.2.3"),
        ] {
            let block = format!("X-Forwarded-For: {forwarded}\r\n");
            assert_eq!(site().client(&request("10.1.2.3", &block)), client.parse().ok(), "{forwarded}");
        }
    }
}
