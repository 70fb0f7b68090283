//! How the API is reached: which proxies stand before it, and the address a request came from.
//!
//! What a header says of an address is believed only of proxies that are trusted; anybody can send one.

use std::net::{IpAddr, SocketAddr};

use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;
use actix_web::web::Data;

use crate::config::{ForwardedHeader, Networks};

/// Who and what stands between clients and this program. By default nobody.
#[derive(Debug, Clone, Default)]
pub struct Exposure {
    pub trusted_proxies: Networks,
    /// The one header that the trusted proxies set. Others may pass through them as the client sent them.
    pub forwarded_header: ForwardedHeader,
    /// The origins of web pages that may ask; by default none.
    pub allowed_origins: Vec<String>,
    /// Whether this program speaks TLS itself.
    pub is_tls: bool,
}

/// The address a request came from: the peer's, unless that is a trusted proxy; then the nearest address
/// before it that is none. Only the last addresses are believed, which trusted proxies have added themselves.
///
/// None only where a request came over no network, as in tests.
pub fn client_address(request: &HttpRequest) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip();
    match request.app_data::<Data<Exposure>>() {
        Some(exposure) => Some(exposure.address(peer, request.headers())),
        None => Some(peer.to_canonical()),
    }
}

impl Exposure {
    /// Whether clients reach it over TLS, as far as it can know: a trusted proxy ends TLS.
    pub fn is_over_tls(&self, request: &HttpRequest) -> bool {
        let peer = request.peer_addr();
        self.is_tls || peer.is_some_and(|peer| self.trusted_proxies.contains(peer.ip()))
    }

    fn address(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut address = peer.to_canonical();
        if !self.trusted_proxies.contains(address) {
            return address;
        }
        let name = self.forwarded_header.name();
        let values: Option<Vec<&str>> = headers.get_all(name).map(|value| value.to_str().ok()).collect();
        let values = values.unwrap_or_default();
        let hops: Vec<Option<IpAddr>> = match self.forwarded_header {
            ForwardedHeader::XForwardedFor => values
                .iter()
                .flat_map(|value| value.split(','))
                .map(|hop| address_in(hop.trim()))
                .collect(),
            ForwardedHeader::Forwarded => values.iter().flat_map(|value| forwarded(value)).collect(),
        };
        for hop in hops.into_iter().rev() {
            match hop {
                Some(before) if self.trusted_proxies.contains(address) => address = before,
                Some(_) | None => break,
            }
        }
        address
    }
}

/// Whom each element of a `Forwarded` header (RFC 7239) was for; nothing where it does not say.
fn forwarded(text: &str) -> Vec<Option<IpAddr>> {
    // A quotation mark that a client left open would take what a proxy adds behind it for its own.
    let Some(elements) = split_unquoted(text, ',') else {
        return vec![None];
    };
    elements
        .into_iter()
        .map(|element| {
            let pairs = split_unquoted(element, ';')?;
            let mut values = pairs.into_iter().filter_map(|pair| {
                let (name, value) = pair.split_once('=')?;
                name.trim().eq_ignore_ascii_case("for").then(|| value.trim())
            });
            let value = values.next()?;
            let unquoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            address_in(unquoted.unwrap_or(value))
        })
        .collect()
}

/// The parts between separators that do not stand in a quoted string; nothing where one is not closed.
fn split_unquoted(text: &str, separator: char) -> Option<Vec<&str>> {
    let (mut parts, mut start) = (Vec::new(), 0);
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ if character == separator && !is_quoted => {
                parts.push(&text[start..at]);
                start = at + character.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    (!is_quoted).then_some(parts)
}

/// An address with or without a port, and of IPv6 in brackets or not. `unknown` and made-up names are none.
fn address_in(text: &str) -> Option<IpAddr> {
    let bracketed = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let plain = bracketed.unwrap_or(text).parse::<IpAddr>().ok();
    let address = plain.or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use proptest::prelude::*;

    use super::*;

    fn behind(header: ForwardedHeader) -> Data<Exposure> {
        Data::new(Exposure {
            trusted_proxies: Networks::parse("127.0.0.1, 10.0.0.0/8, 2001:db8::/32").unwrap(),
            forwarded_header: header,
            ..Exposure::default()
        })
    }

    fn seen(header: ForwardedHeader, peer: &str, headers: &[(&'static str, &str)]) -> String {
        let request = TestRequest::default()
            .app_data(behind(header))
            .peer_addr(format!("{peer}:4711").parse().unwrap());
        let request = headers
            .iter()
            .fold(request, |request, header| request.append_header(*header));
        client_address(&request.to_http_request()).unwrap().to_string()
    }

    #[test]
    fn only_what_trusted_proxies_have_added_is_believed() {
        let by = ForwardedHeader::XForwardedFor;
        let cases = [
            ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
            ("127.0.0.1", "198.51.100.7", "198.51.100.7"),
            ("127.0.0.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"),
            (
                "127.0.0.1",
                "203.0.113.9,198.51.100.7:99, 10.1.2.3",
                "198.51.100.7",
            ),
            ("127.0.0.1", "203.0.113.9, unknown, 10.1.2.3", "10.1.2.3"),
            ("127.0.0.1", "203.0.113.9, nonsense", "127.0.0.1"),
            ("127.0.0.1", "[2001:db9::1]:443", "2001:db9::1"),
            ("127.0.0.1", "2001:db9::1", "2001:db9::1"),
            ("127.0.0.1", "10.1.2.3", "10.1.2.3"),
            ("127.0.0.1", "", "127.0.0.1"),
            ("[::ffff:127.0.0.1]", "::ffff:198.51.100.7", "198.51.100.7"),
        ];
        for (peer, sent, expected) in cases {
            assert_eq!(
                seen(by, peer, &[("x-forwarded-for", sent)]),
                expected,
                "{peer} {sent}"
            );
        }
        let twice = [
            ("x-forwarded-for", "203.0.113.9"),
            ("x-forwarded-for", "198.51.100.7"),
        ];
        assert_eq!(seen(by, "127.0.0.1", &twice), "198.51.100.7");
        let other = [("forwarded", "for=203.0.113.9")];
        assert_eq!(seen(by, "127.0.0.1", &other), "127.0.0.1");
    }

    #[test]
    fn the_standard_header_is_read_where_it_is_the_one_that_is_set() {
        let by = ForwardedHeader::Forwarded;
        let cases = [
            ("for=198.51.100.7", "198.51.100.7"),
            (
                "for=203.0.113.9, FOR=198.51.100.7;proto=https;by=10.1.2.3",
                "198.51.100.7",
            ),
            ("for=198.51.100.7, for=\"[2001:db8::1]:443\"", "198.51.100.7"),
            ("for=203.0.113.9, proto=\"a,for=198.51.100.7;\"", "127.0.0.1"),
            ("for=203.0.113.9, for=_hidden", "127.0.0.1"),
            ("for=\"203.0.113.9", "127.0.0.1"),
            ("for=203.0.113.9;by=\", for=198.51.100.7", "127.0.0.1"),
        ];
        for (sent, expected) in cases {
            assert_eq!(seen(by, "127.0.0.1", &[("forwarded", sent)]), expected, "{sent}");
        }
        let other = [("x-forwarded-for", "203.0.113.9")];
        assert_eq!(seen(by, "127.0.0.1", &other), "127.0.0.1");
    }

    proptest! {
        #[test]
        fn whatever_a_client_sends_its_proxys_word_holds(sent in "[ -~]{0,60}") {
            let by_list = format!("{sent}, 198.51.100.7");
            prop_assert_eq!(
                seen(ForwardedHeader::XForwardedFor, "127.0.0.1", &[("x-forwarded-for", &by_list)]),
                "198.51.100.7"
            );
            let in_two = [("forwarded", sent.as_str()), ("forwarded", "for=198.51.100.7")];
            prop_assert_eq!(seen(ForwardedHeader::Forwarded, "127.0.0.1", &in_two), "198.51.100.7");
            let in_one = format!("{sent}, for=198.51.100.7");
            let address = seen(ForwardedHeader::Forwarded, "127.0.0.1", &[("forwarded", &in_one)]);
            prop_assert!(address == "198.51.100.7" || address == "127.0.0.1", "{address}");
        }

        #[test]
        fn a_stranger_is_known_by_its_own_address(sent in "[ -~]{0,60}") {
            for (header, name) in [
                (ForwardedHeader::XForwardedFor, "x-forwarded-for"),
                (ForwardedHeader::Forwarded, "forwarded"),
            ] {
                prop_assert_eq!(seen(header, "192.0.2.1", &[(name, &sent)]), "192.0.2.1");
            }
        }
    }
}
