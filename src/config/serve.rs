//! `[serve]`: where `authchain serve` listens, whom it believes and how much it takes on.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::build::{place_of, section};
use super::node::{Key, Node, Place};
use super::read::Source;
use crate::error::Report;
use crate::options::{Kind, OptionDef, Values};
use crate::site::Network;

/// Keys of `[serve]`.
pub(crate) const OPTIONS: &[OptionDef] = &[
    OptionDef {
        name: "listen",
        kind: Kind::Text,
        default: "\"127.0.0.1:8765\"",
        doc: "An address and port (0: a free one), or a Unix socket, `unix:/run/authchain/authchain.sock`. A socket that \
              systemd hands over goes before it.",
    },
    OptionDef {
        name: "trusted",
        kind: Kind::Texts,
        default: "[\"127.0.0.0/8\", \"::1\"]",
        doc: "Addresses and networks of the proxies whose word about a request is believed (`X-Original-*`, \
              `X-Forwarded-*`, `X-Real-IP`). Who reaches the Unix socket is believed, too.",
    },
    OptionDef {
        name: "threads",
        kind: Kind::Integer(0, 512),
        default: "0",
        doc: "How many verdicts are made at once; 0: four for each processor, 64 at most. Eight times as many wait; beyond \
              that the answer is 503.",
    },
    OptionDef {
        name: "connections",
        kind: Kind::Integer(1, 65536),
        default: "1024",
        doc: "How many connections are open at once; more wait in the system's backlog.",
    },
    OptionDef {
        name: "socket_mode",
        kind: Kind::Text,
        default: "\"0660\"",
        doc: "The mode of the Unix socket, in octal digits. Who may write to it may ask.",
    },
    OptionDef {
        name: "header_timeout",
        kind: Kind::Integer(1, 3600),
        default: "10",
        doc: "Seconds for the head of a request, from its first byte (of the first request: from the connection).",
    },
    OptionDef {
        name: "body_timeout",
        kind: Kind::Integer(1, 3600),
        default: "30",
        doc: "Seconds for the body of a request, all of it.",
    },
    OptionDef {
        name: "idle_timeout",
        kind: Kind::Integer(1, 3600),
        default: "60",
        doc: "Seconds that a connection stays open between requests.",
    },
];

/// The checked section.
pub(crate) struct Serve {
    pub listen: Listen,
    trusted: Vec<Network>,
    /// 0: as many as the machine suggests.
    pub threads: usize,
    pub connections: usize,
    pub socket_mode: u32,
    pub header_timeout: Duration,
    pub body_timeout: Duration,
    pub idle_timeout: Duration,
}

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Listen {
    Address(SocketAddr),
    Socket(PathBuf),
}

impl Listen {
    /// `127.0.0.1:8765`, `[::1]:8765`, `unix:PATH`; a relative path starts at `base`.
    pub(crate) fn parse(text: &str, base: &Path) -> Option<Self> {
        match text.strip_prefix("unix:") {
            Some(path) => (!path.is_empty() && !path.contains('\0')).then(|| Self::Socket(base.join(path))),
            None => text.parse().ok().map(Self::Address),
        }
    }

    /// What [`Self::parse`] takes, for errors.
    pub(crate) const EXPECTED: &str =
        "expected an address and port, such as 127.0.0.1:8765 or [::1]:8765, or unix:PATH";
}

impl Serve {
    /// Whether the word of who has this address is believed.
    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.has(address))
    }

    /// A network of `trusted` that is everybody.
    pub(crate) fn trusts_everybody(&self) -> Option<Network> {
        self.trusted.iter().copied().find(|network| network.is_everybody())
    }

    pub(super) fn read(source: &Source<'_>, members: &[(Key, Node)], otherwise: Place) -> Result<Self, Report> {
        let place = place_of(members, "serve", otherwise);
        let own = section(source, members, "serve")?;
        let values = source.values(&own, &[OPTIONS], &[], "[serve]", place)?;
        let wrong = |name: &str, text: String, remedy: &str| source.report(place_of(&own, name, place), text, remedy);
        let listen = values.text("listen");
        let mode = values.text("socket_mode");
        let trusted = values.list("trusted").iter().map(|text| {
            Network::parse(text)
                .ok_or_else(|| wrong("trusted", format!("{text:?} is no address or network"), "expected 10.0.0.0/8"))
        });
        Ok(Self {
            listen: Listen::parse(listen, source.base)
                .ok_or_else(|| wrong("listen", format!("{listen:?} is no place to listen"), Listen::EXPECTED))?,
            trusted: trusted.collect::<Result<_, _>>()?,
            threads: number(&values, "threads"),
            connections: number(&values, "connections"),
            socket_mode: octal(mode)
                .ok_or_else(|| wrong("socket_mode", format!("{mode:?} is no mode"), "expected \"0660\""))?,
            header_timeout: seconds(&values, "header_timeout"),
            body_timeout: seconds(&values, "body_timeout"),
            idle_timeout: seconds(&values, "idle_timeout"),
        })
    }
}

/// Permissions only: neither set-uid bits nor a sign.
fn octal(text: &str) -> Option<u32> {
    let is_octal = !text.is_empty() && text.bytes().all(|b| (b'0'..=b'7').contains(&b));
    is_octal.then(|| u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o777)).flatten()
}

fn number(values: &Values, name: &str) -> usize {
    usize::try_from(values.integer(name)).unwrap_or(0)
}

fn seconds(values: &Values, name: &str) -> Duration {
    Duration::from_secs(u64::try_from(values.integer(name)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_to_listen_is_an_address_or_a_socket() {
        let parse = |text| Listen::parse(text, Path::new("/etc/authchain"));
        assert_eq!(parse("127.0.0.1:0"), Some(Listen::Address("127.0.0.1:0".parse().unwrap())));
        assert_eq!(parse("[::1]:80"), Some(Listen::Address("[::1]:80".parse().unwrap())));
        assert_eq!(parse("unix:/run/a"), Some(Listen::Socket("/run/a".into())));
        assert_eq!(parse("unix:a"), Some(Listen::Socket("/etc/authchain/a".into())));
        for wrong in ["", "unix:", "localhost:80", "127.0.0.1", ":80", "::1:80", "unix:a\0b"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_mode_is_permissions_in_octal() {
        assert_eq!(["0660", "600", "0"].map(octal), [Some(0o660), Some(0o600), Some(0)]);
        for wrong in ["", "0o660", "+660", "1777", "0888", "rw"] {
            assert_eq!(octal(wrong), None, "{wrong}");
        }
    }
}
