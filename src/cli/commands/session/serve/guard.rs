//! Who may call: only pages that this server has served, and of these only whoever has the token.
//!
//! Other pages in the same browser can reach a server on this machine. A foreign name that resolves here has another
//! `Host` (421), a form or script of a foreign page another `Origin` (403); the token comes in the fragment of the
//! address, which browsers send nowhere, and is asked for in a header that no foreign page may set (401).

use super::answer::Refusal;
use crate::cli::error::CliError;
use crate::error::Result;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::SocketAddr;
use std::sync::Arc;

/// Bytes of the token.
const TOKEN_BYTES: usize = 16;

const HEADERS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' blob:; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// What a call must bring.
pub(super) struct Guard {
    address: SocketAddr,
    /// The names under which this server may be called.
    hosts: Vec<String>,
    /// What the API asks for; none where there is no API.
    token: Option<String>,
}

impl Guard {
    /// Asks for no token.
    pub fn open(address: SocketAddr) -> Self {
        let mut hosts = vec![address.to_string()];
        if address.ip().is_loopback() {
            hosts.push(format!("localhost:{}", address.port()));
        }
        Self { address, hosts, token: None }
    }

    /// Asks for a token that nobody can guess.
    ///
    /// # Errors
    /// Where the system has no random bytes.
    pub fn with_token(address: SocketAddr) -> Result<Self> {
        let token = secret()?.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { token: Some(token), ..Self::open(address) })
    }

    /// The page's address, with the token.
    pub fn url(&self) -> String {
        format!("http://{}/#token={}", self.address, self.token.as_deref().unwrap_or_default())
    }

    fn refused(&self, path: &str, headers: &HeaderMap) -> Option<Refusal> {
        let text = |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or_default());
        let host = text(header::HOST).unwrap_or_default();
        // A server that listens on all addresses has many; a name that resolves to one of them is foreign all the same.
        let numbers =
            |host: &str| host.parse::<SocketAddr>().is_ok_and(|found| found.port() == self.address.port());
        let any = self.address.ip().is_unspecified() && numbers(host);
        if !any && !self.hosts.iter().any(|known| known == host) {
            return Some(Refusal::new(StatusCode::MISDIRECTED_REQUEST, "called under a foreign name"));
        }
        if let Some(origin) = text(header::ORIGIN)
            && origin != format!("http://{host}")
        {
            return Some(Refusal::new(StatusCode::FORBIDDEN, "called by a foreign page"));
        }
        let token = self.token.as_ref()?;
        if !path.starts_with("/api/") {
            return None;
        }
        let given =
            text(header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        match same(given, token) {
            true => None,
            false => Some(Refusal::new(
                StatusCode::UNAUTHORIZED,
                "the token is missing or another: open the address that the program printed",
            )),
        }
    }
}

/// Whether two texts are the same, in a time that does not depend on where they differ.
fn same(a: &str, b: &str) -> bool {
    let differ =
        a.bytes().zip(b.bytes()).fold(a.len() ^ b.len(), |differ, (a, b)| differ | usize::from(a ^ b));
    differ == 0
}

/// Bytes that nobody can guess.
fn secret() -> Result<[u8; TOKEN_BYTES]> {
    let mut bytes = [0u8; TOKEN_BYTES];
    // SAFETY: the buffer is as long as said, and the call writes no further.
    let got = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
    match usize::try_from(got) {
        Ok(TOKEN_BYTES) => Ok(bytes),
        _ => Err(CliError::Random { source: std::io::Error::last_os_error() }.into()),
    }
}

/// Lets a call through, or refuses it; either way under headers by which a browser runs and loads nothing else.
pub(super) async fn check(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let mut response = match guard.refused(request.uri().path(), request.headers()) {
        Some(refusal) => refusal.into_response(),
        None => next.run(request).await,
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(guard: &Guard, path: &str, headers: &[(HeaderName, &str)]) -> Option<u16> {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap()))
            .collect();
        guard.refused(path, &headers).map(|refusal| refusal.into_response().status().as_u16())
    }

    #[test]
    fn foreign_names_pages_and_tokens_are_refused() {
        let guard = Guard::with_token("127.0.0.1:8080".parse().unwrap()).unwrap();
        let bearer = format!("Bearer {}", guard.token.clone().unwrap());
        let host = (header::HOST, "127.0.0.1:8080");
        assert_eq!(refusal(&guard, "/", std::slice::from_ref(&host)), None);
        assert_eq!(refusal(&guard, "/", &[(header::HOST, "localhost:8080")]), None);
        assert_eq!(refusal(&guard, "/", &[]), Some(421));
        assert_eq!(
            refusal(&guard, "/", &[(header::HOST, "evil.example:8080")]),
            Some(421),
            "a name that resolves here"
        );
        let foreign = (header::ORIGIN, "http://evil.example");
        assert_eq!(refusal(&guard, "/", &[host.clone(), foreign]), Some(403));
        assert_eq!(refusal(&guard, "/api/session", std::slice::from_ref(&host)), Some(401));
        assert_eq!(
            refusal(&guard, "/api/session", &[host.clone(), (header::AUTHORIZATION, "Bearer 00")]),
            Some(401)
        );
        let own = (header::ORIGIN, "http://127.0.0.1:8080");
        assert_eq!(refusal(&guard, "/api/session", &[host, own, (header::AUTHORIZATION, &bearer)]), None);
    }

    #[test]
    fn a_server_on_all_addresses_has_no_foreign_names_either() {
        let guard = Guard::open("0.0.0.0:8080".parse().unwrap());
        assert_eq!(refusal(&guard, "/predict", &[(header::HOST, "192.168.1.7:8080")]), None);
        assert_eq!(refusal(&guard, "/predict", &[(header::HOST, "192.168.1.7:81")]), Some(421));
        assert_eq!(refusal(&guard, "/predict", &[(header::HOST, "evil.example:8080")]), Some(421));
    }

    #[test]
    fn tokens_are_long_and_differ() {
        let (a, b) = (secret().unwrap(), secret().unwrap());
        assert_ne!(a, b);
        assert!(same("abc", "abc") && !same("abc", "abd") && !same("abc", "ab") && !same("", "a"));
    }
}
