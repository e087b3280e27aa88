//! Whom the inspector answers: nobody, unless there is a reason to.
//!
//! With an authoriser, those it says yes to. Without one, peers at a loopback address, and these only if no proxy stands
//! between and the page is asked for by a loopback name: a proxy on this machine makes everybody local, and a foreign
//! page may point its own name at 127.0.0.1 to read the answers. EXPLAIN also wants a header that no foreign page can
//! send without asking first.
use std::{net::IpAddr, sync::Arc};

use http::{HeaderMap, header, request::Parts};

/// The address of the peer, for servers to put among a request's extensions.
///
/// ```
/// use entourage::inspector::Peer;
///
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(Peer([127, 0, 0, 1].into()));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

type Authorize = dyn Fn(&Parts) -> bool + Send + Sync;
type PeerBy = dyn Fn(&Parts) -> Option<IpAddr> + Send + Sync;

/// The header of a request that changes or costs something.
pub(super) const INTENT: &str = "x-entourage-inspector";

/// Headers by which a proxy tells that it is one.
const PROXY: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

#[derive(Clone, Default)]
pub(super) struct Access {
    pub(super) authorize: Option<Arc<Authorize>>,
    pub(super) peer: Option<Arc<PeerBy>>,
}

/// Why somebody is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Denied {
    /// The inspector is off.
    Off,
    /// The authoriser said no.
    Refused,
    /// Nobody knows where the request comes from.
    UnknownPeer,
    /// It comes from elsewhere, or through a proxy.
    NotLocal,
    /// It comes from this machine, but was sent to another name.
    ForeignName,
}

impl Denied {
    /// What is wrong, and the way out.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Off => {
                "It is off: this is a release build. Call .enable() on the Inspector to turn it on, and say by .authorize(..) who may see it."
            }
            Self::Refused => "The program's .authorize(..) did not let this request in.",
            Self::UnknownPeer => {
                "Nobody told it where this request comes from. Give the Inspector .peer_by(..), which finds the peer's address, or .authorize(..), which says who may see it."
            }
            Self::NotLocal => {
                "This request does not come straight from the machine that the program runs on. Say by .authorize(..) on the Inspector who else may see it."
            }
            Self::ForeignName => {
                "This request was sent to a name that is not localhost. Ask for http://127.0.0.1 or http://localhost, or say by .authorize(..) on the Inspector who may see it."
            }
        }
    }
}

impl Access {
    pub(super) fn check(&self, request: &Parts) -> Result<(), Denied> {
        if let Some(is_allowed) = &self.authorize {
            return is_allowed(request).then_some(()).ok_or(Denied::Refused);
        }
        let peer = match &self.peer {
            Some(peer) => peer(request),
            None => request.extensions.get::<Peer>().map(|peer| peer.0),
        };
        let is_proxied = PROXY.iter().any(|name| request.headers.contains_key(*name));
        match peer {
            None => Err(Denied::UnknownPeer),
            Some(peer) if !peer.to_canonical().is_loopback() || is_proxied => Err(Denied::NotLocal),
            Some(_) if !is_local_name(request) => Err(Denied::ForeignName),
            Some(_) => Ok(()),
        }
    }
}

/// Whether the request was sent by our page and not by another one.
pub(super) fn is_intended(request: &Parts) -> bool {
    let text = |name: &str| text(&request.headers, name);
    let same_site =
        text("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
    let same_origin = text("origin").is_none_or(|origin| {
        let host = origin.split_once("://").map(|(_, host)| host);
        host.is_some() && host == asked_host(request)
    });
    request.headers.contains_key(INTENT) && same_site && same_origin
}

/// The host and port that the request was sent to.
fn asked_host(request: &Parts) -> Option<&str> {
    let authority = request.uri.authority().map(|authority| authority.as_str());
    text(&request.headers, header::HOST.as_str()).or(authority)
}

fn is_local_name(request: &Parts) -> bool {
    let Some(host) = asked_host(request) else {
        return false;
    };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|sign| sign.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    // A header that is no text matches nothing.
    headers.get(name).map(|value| value.to_str().unwrap_or(""))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn asked(peer: Option<&str>, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::get("/inspector/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut parts = request.body(()).unwrap().into_parts().0;
        if let Some(peer) = peer {
            parts.extensions.insert(Peer(peer.parse().unwrap()));
        }
        parts
    }

    #[test]
    fn only_a_loopback_peer_that_names_this_machine_is_answered() {
        let access = Access::default();
        let check = |peer, headers: &[_]| access.check(&asked(peer, headers));
        for host in [
            "localhost",
            "localhost:3000",
            "127.0.0.1:80",
            "[::1]:3000",
            "LOCALHOST",
        ] {
            assert_eq!(
                check(Some("127.0.0.1"), &[("host", host)]),
                Ok(()),
                "{host}"
            );
        }
        assert_eq!(
            check(Some("::ffff:127.0.0.1"), &[("host", "[::1]")]),
            Ok(())
        );
        for host in [
            "example.org",
            "localhost.example.org",
            "192.168.0.1:3000",
            "",
            "127.0.0.1.example.org",
        ] {
            let denied = check(Some("::1"), &[("host", host)]);
            assert_eq!(denied, Err(Denied::ForeignName), "{host}");
        }
        assert_eq!(check(Some("::1"), &[]), Err(Denied::ForeignName));
        let local = ("host", "localhost");
        assert_eq!(check(None, &[local]), Err(Denied::UnknownPeer));
        assert_eq!(check(Some("10.0.0.1"), &[local]), Err(Denied::NotLocal));
        for proxy in PROXY {
            let proxied = check(Some("127.0.0.1"), &[local, (proxy, "10.0.0.1")]);
            assert_eq!(proxied, Err(Denied::NotLocal), "{proxy}");
        }
    }

    #[test]
    fn an_authoriser_decides_alone() {
        let access = Access {
            authorize: Some(Arc::new(|request| request.headers.contains_key("x-staff"))),
            peer: None,
        };
        let staff = asked(None, &[("x-staff", "1"), ("host", "example.org")]);
        assert_eq!(access.check(&staff), Ok(()));
        let local = asked(Some("127.0.0.1"), &[("host", "localhost")]);
        assert_eq!(access.check(&local), Err(Denied::Refused));
    }

    #[test]
    fn what_a_foreign_page_can_send_is_not_intended() {
        let host = ("host", "localhost:3000");
        let intent = (INTENT, "1");
        let is_intended = |headers: &[_]| is_intended(&asked(None, headers));
        assert!(is_intended(&[host, intent]));
        assert!(is_intended(&[
            host,
            intent,
            ("origin", "http://localhost:3000")
        ]));
        assert!(is_intended(&[
            host,
            intent,
            ("sec-fetch-site", "same-origin")
        ]));
        assert!(!is_intended(&[host]));
        assert!(!is_intended(&[
            host,
            intent,
            ("origin", "http://example.org")
        ]));
        assert!(!is_intended(&[host, intent, ("origin", "null")]));
        assert!(!is_intended(&[
            host,
            intent,
            ("sec-fetch-site", "cross-site")
        ]));
    }
}
