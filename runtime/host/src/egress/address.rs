//! Addresses that a host name may resolve to, and the look-up.
//!
//! A rule that names a host opens the public internet under that name, not the machine or the network that
//! the runtime runs in. The caller connects to the returned addresses and never resolves the name again, so
//! an answer that changes between the check and the connection has no effect.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use wasmtime_wasi_http::Error;

/// Where an admitted request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// A host name or an address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Whether the name may resolve to addresses that are not public.
    pub private: bool,
}

/// Why there is no address to connect to.
#[derive(Debug)]
pub enum Unresolved {
    /// The name resolves to an address that the rule does not open.
    Prohibited(IpAddr, &'static str),
    /// The look-up failed.
    Failed(Error),
}

impl Destination {
    /// The addresses to connect to. An address that the rule names itself needs no look-up and no check.
    pub async fn resolve(&self, timeout: Duration) -> Result<Vec<SocketAddr>, Unresolved> {
        if let Ok(address) = self.host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, self.port)]);
        }
        let look_up = tokio::net::lookup_host((self.host.as_str(), self.port));
        match tokio::time::timeout(timeout, look_up).await {
            Ok(Ok(found)) => self.check(found.collect()),
            Ok(Err(error)) => Err(Unresolved::Failed(Error::Connect(error))),
            Err(_) => Err(Unresolved::Failed(Error::DnsTimeout)),
        }
    }

    /// One address that is not public refuses the whole name: the rule's author did not mean it.
    fn check(&self, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, Unresolved> {
        let prohibited = || found.iter().find_map(|at| class(at.ip()).map(|class| (at.ip(), class)));
        match prohibited().filter(|_| !self.private) {
            Some((address, class)) => Err(Unresolved::Prohibited(address, class)),
            None if found.is_empty() => Err(Unresolved::Failed(Error::DestinationNotFound)),
            None => Ok(found),
        }
    }
}

/// The class of an address that is not public; none if it is.
fn class(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => class_of_v4(address),
        IpAddr::V6(address) => class_of_v6(address),
    }
}

fn class_of_v4(address: Ipv4Addr) -> Option<&'static str> {
    match address.octets() {
        // Where clouds answer with the machine's credentials.
        [169, 254, 169, 254] | [169, 254, 170, 2] | [100, 100, 100, 200] | [192, 0, 0, 192] => {
            Some("metadata")
        }
        [0, ..] => Some("unspecified"),
        [127, ..] => Some("loopback"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Some("private"),
        // Shared between a provider's customers, and networks for measurements.
        [100, 64..=127, ..] | [198, 18..=19, ..] => Some("private"),
        [169, 254, ..] => Some("link-local"),
        [224..=239, ..] => Some("multicast"),
        [192, 0, 0, _] | [240..=255, ..] => Some("reserved"),
        _ => None,
    }
}

fn class_of_v6(address: Ipv6Addr) -> Option<&'static str> {
    if let Some(embedded) = embedded_v4(address) {
        return class_of_v4(embedded);
    }
    match address.segments() {
        [0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254] => Some("metadata"),
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("unspecified"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("loopback"),
        [0xfc00..=0xfdff, ..] => Some("unique-local"),
        [0xfe80..=0xfebf, ..] => Some("link-local"),
        // Site-local, and a network's own translation to IPv4.
        [0xfec0..=0xfeff, ..] | [0x0064, 0xff9b, 1, ..] => Some("private"),
        [0xff00..=0xffff, ..] => Some("multicast"),
        // Tunnels whose other end the address does not show plainly.
        [0x2001, 0, ..] => Some("reserved"),
        _ => None,
    }
}

/// The IPv4 address that a packet to this one reaches in the end: mapped, compatible, by NAT64 or by 6to4.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x0064, 0xff9b, 0, 0, 0, 0, high, low] => Some(v4(high, low)),
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => Some(v4(high, low)),
        [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class_of(text: &str) -> Option<&'static str> {
        class(text.parse().unwrap())
    }

    #[test]
    fn addresses_that_are_not_public_have_a_class_however_they_are_written() {
        for (class, addresses) in [
            ("unspecified", ["0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0"].as_slice()),
            ("loopback", &["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"]),
            ("private", &["10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1"]),
            (
                "private",
                &["::ffff:10.1.2.3", "64:ff9b::a01:203", "64:ff9b:1::1", "2002:a01:203::1", "fec0::1"],
            ),
            ("private", &["::10.1.2.3", "198.18.0.1"]),
            ("link-local", &["169.254.0.1", "fe80::1", "febf::1", "::ffff:169.254.0.1"]),
            ("metadata", &["169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254", "100.100.100.200"]),
            ("unique-local", &["fc00::1", "fd12:3456::1"]),
            ("multicast", &["224.0.0.1", "239.255.255.255", "ff02::1"]),
            ("reserved", &["255.255.255.255", "240.0.0.1", "192.0.0.8", "2001:0:1::1"]),
        ] {
            for address in addresses {
                assert_eq!(class_of(address), Some(class), "{address}");
            }
        }
    }

    #[test]
    fn public_addresses_have_no_class() {
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.1",
            "100.63.255.255",
            "100.128.0.1",
            "128.0.0.1",
            "169.253.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.167.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "64:ff9b::101:101",
            "::ffff:1.1.1.1",
            "2002:101:101::1",
            "fe00::1",
        ] {
            assert_eq!(class_of(address), None, "{address}");
        }
    }

    #[test]
    fn one_address_that_is_not_public_refuses_the_name_unless_the_rule_says_private() {
        let named = |private| Destination { host: "hooks.example".into(), port: 80, private };
        let at = |text: &str| SocketAddr::new(text.parse().unwrap(), 80);
        let mixed = vec![at("1.1.1.1"), at("::1")];
        let refused = named(false).check(mixed.clone());
        assert!(matches!(refused, Err(Unresolved::Prohibited(ip, "loopback")) if ip == at("::1").ip()));
        assert_eq!(named(true).check(mixed.clone()).unwrap(), mixed);
        assert_eq!(named(false).check(mixed[..1].to_vec()).unwrap(), mixed[..1]);
        assert!(matches!(named(true).check(Vec::new()), Err(Unresolved::Failed(_))));
    }
}
