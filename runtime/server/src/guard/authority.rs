//! The host that a request is addressed to: a name or an address, with an optional port.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};

/// Checks that a request is addressed to a loopback host: by exactly one `Host` header, and by its target if
/// the target names a host.
///
/// # Errors
/// A description of the other host, if the request is addressed to one.
pub fn check(target: &Uri, headers: &HeaderMap) -> Result<(), String> {
    let host = match only(headers, &header::HOST) {
        Ok(host) => host.map(HeaderValue::as_bytes).unwrap_or_default(),
        Err(Several) => return Err("several hosts".to_owned()),
    };
    let target = target.authority().map(|authority| authority.as_str().as_bytes());
    for named in target.into_iter().chain([host]) {
        if !is_loopback(named) {
            return Err(format!("host \"{}\"", String::from_utf8_lossy(named)));
        }
    }
    Ok(())
}

/// A header that may occur once in a request occurs several times.
#[derive(Debug)]
pub struct Several;

/// The value of a header that may occur at most once in a request.
pub fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h HeaderValue>, Several> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() { Err(Several) } else { Ok(first) }
}

/// Whether `host`, alone or as `host:port`, is a loopback name or address.
fn is_loopback(host: &[u8]) -> bool {
    let Ok(host) = str::from_utf8(host) else { return false };
    if let Some(rest) = host.strip_prefix('[') {
        let Some((address, rest)) = rest.split_once(']') else { return false };
        let is_whole = rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port);
        return is_whole && address.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback());
    }
    let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
    port.is_none_or(is_port)
        && (name.eq_ignore_ascii_case("localhost")
            || name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback()))
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_known_by_its_names() {
        for host in ["localhost", "LocalHost:4077", "127.0.0.1:4077", "127.9.9.9", "[::1]:4077", "[::1]"] {
            assert!(is_loopback(host.as_bytes()), "{host}");
        }
        for host in [
            "",
            "example.com",
            "localhost.example.com",
            "127.0.0.1.example.com:80",
            "10.0.0.1",
            "[::2]:1",
            "0.0.0.0",
        ] {
            assert!(!is_loopback(host.as_bytes()), "{host}");
        }
    }

    #[test]
    fn what_follows_a_loopback_name_is_a_port_or_nothing() {
        for host in [
            "[::1].evil.com",
            "[::1]evil",
            "[::1]:",
            "[::1]:80:80",
            "[::1]:evil",
            "[::1",
            "[127.0.0.1]",
            "::1",
            "127.0.0.1:evil",
            "127.0.0.1:",
            "127.0.0.1:+80",
            "127.0.0.1:80:80",
            "127.0.0.1:99999",
            "127.0.0.1 ",
            "user@127.0.0.1",
            "localhost:evil.com",
            "localhost/",
        ] {
            assert!(!is_loopback(host.as_bytes()), "{host}");
        }
    }
}
