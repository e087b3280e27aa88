//! JSON Web Tokens with HMAC-SHA-256 (RFC 7519), made and read by this program alone.
//!
//! A library for all of JOSE brings RSA and elliptic curves, and a header that says which of them to believe. There is
//! one algorithm here: a token with any other header is refused before it is looked at.
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64ct::{Base64UrlUnpadded, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// `{"alg":"HS256","typ":"JWT"}`
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

/// Makes and reads tokens.
#[derive(Clone)]
pub struct Tokens {
    mac: Hmac<Sha256>,
    lifetime: Duration,
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    /// The key of the user.
    sub: i64,
    /// The second from which on it is not valid.
    exp: u64,
}

impl Tokens {
    /// Tokens signed by `secret`, valid for `lifetime`.
    pub fn new(secret: &[u8], lifetime: Duration) -> Self {
        let mac = Hmac::new_from_slice(secret).expect("HMAC takes a key of any length");
        Self { mac, lifetime }
    }

    /// A token for the user with this key.
    pub fn sign(&self, user: i64) -> String {
        self.sign_until(user, now().saturating_add(self.lifetime.as_secs()))
    }

    fn sign_until(&self, user: i64, exp: u64) -> String {
        let claims = serde_json::to_vec(&Claims { sub: user, exp }).expect("two numbers are JSON");
        let signed = format!("{HEADER}.{}", Base64UrlUnpadded::encode_string(&claims));
        let mac = self.mac.clone().chain_update(&signed).finalize();
        let signature = Base64UrlUnpadded::encode_string(&mac.into_bytes());
        format!("{signed}.{signature}")
    }

    /// The user that a token was made for, if it was made here and is still valid.
    pub fn verify(&self, token: &str) -> Option<i64> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = Base64UrlUnpadded::decode_vec(signature).ok()?;
        let mac = self.mac.clone().chain_update(signed);
        mac.verify_slice(&signature).ok()?;
        let claims = signed.strip_prefix(HEADER)?.strip_prefix('.')?;
        let claims = Base64UrlUnpadded::decode_vec(claims).ok()?;
        let claims: Claims = serde_json::from_slice(&claims).ok()?;
        (claims.exp > now()).then_some(claims.sub)
    }

    /// How long a token is valid.
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens")
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn a_token_names_its_user_to_whoever_has_the_secret() {
        let tokens = Tokens::new(b"secret", HOUR);
        let token = tokens.sign(7);
        assert_eq!(tokens.verify(&token), Some(7));
        assert_eq!(Tokens::new(b"other", HOUR).verify(&token), None);
    }

    #[test]
    fn a_token_that_was_tampered_with_is_refused() {
        let tokens = Tokens::new(b"secret", HOUR);
        let token = tokens.sign(7);
        let mut parts: Vec<&str> = token.split('.').collect();
        let other = Base64UrlUnpadded::encode_string(br#"{"sub":8,"exp":99999999999}"#);
        parts[1] = &other;
        for token in ["", "a.b.c", &parts.join("."), &token[..token.len() - 1]] {
            assert_eq!(tokens.verify(token), None, "{token}");
        }
        // RFC 7515 knows an algorithm `none`: nothing here does.
        let none = Base64UrlUnpadded::encode_string(br#"{"alg":"none"}"#);
        assert_eq!(tokens.verify(&format!("{none}.{other}.")), None);
    }

    #[test]
    fn a_token_ends() {
        let tokens = Tokens::new(b"secret", HOUR);
        assert_eq!(tokens.verify(&tokens.sign_until(7, now())), None);
        assert_eq!(tokens.verify(&tokens.sign_until(7, now() + 60)), Some(7));
    }
}
