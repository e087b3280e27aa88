//! Encryption: what is asked for, and what is missing for it.
//!
//! | mode | encrypted | the server is checked |
//! |---|---|---|
//! | `disable` | no | no |
//! | `prefer` (the default) | if both sides can | no |
//! | `require` | yes | no |
//! | `verify-ca` | yes | its certificate comes from a trusted authority |
//! | `verify-full` | yes | and is for the host connected to |
//!
//! What they are worth is told at [`TlsMode`].
use std::path::PathBuf;

use super::rustls;
use crate::error::{Error, Result};

/// How far a connection is encrypted and its server checked; PostgreSQL's words. `prefer` is the default.
///
/// Without the feature `tls-rustls`, `disable` and `prefer` connect without encryption, and the others are an error. Only
/// `verify-full` keeps out somebody who sits in between: any certificate of a trusted authority does for `verify-ca`. Trusted
/// are the authorities that browsers trust (a list that is compiled in), and those of `sslrootcert`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    /// No encryption.
    Disable,
    /// Encrypted if the server and this build can, unchecked.
    Prefer,
    /// Encrypted, the certificate unchecked.
    Require,
    /// Encrypted by a certificate of a trusted authority.
    VerifyCa,
    /// Encrypted by a certificate of a trusted authority for this very host.
    VerifyFull,
}

impl TlsMode {
    /// As it is written in a URL.
    fn name(self) -> &'static str {
        match self {
            TlsMode::Disable => "disable",
            TlsMode::Prefer => "prefer",
            TlsMode::Require => "require",
            TlsMode::VerifyCa => "verify-ca",
            TlsMode::VerifyFull => "verify-full",
        }
    }

    fn verifies(self) -> bool {
        matches!(self, TlsMode::VerifyCa | TlsMode::VerifyFull)
    }
}

/// What a connection asks of TLS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tls {
    pub(super) mode: Option<TlsMode>,
    /// The certificates of trusted authorities.
    pub(super) authorities: Option<PathBuf>,
    /// The client's own certificate.
    pub(super) certificate: Option<PathBuf>,
    /// The key of that certificate.
    pub(super) key: Option<PathBuf>,
}

impl Tls {
    /// Refuses what would be passed over in silence, or has no effect in this build.
    pub(super) fn validate(&self) -> Result<()> {
        self.validate_for(rustls::COMPILED)
    }

    fn validate_for(&self, compiled: bool) -> Result<()> {
        let mode = self.mode.unwrap_or(TlsMode::Prefer);
        if self.certificate.is_some() != self.key.is_some() {
            return Err(Error::configuration(
                "the client's certificate and its key are given together or not at all",
            )
            .with_hint(
                "set `sslcert` and `sslkey`, or `tls_client_certificate(certificate, key)`",
            ));
        }
        if self.authorities.is_some() && !mode.verifies() {
            return Err(Error::configuration(format!(
                "`sslrootcert` has no effect with `sslmode={}`, which does not check the server",
                mode.name()
            ))
            .with_hint(
                "take `sslmode=verify-full`, or `verify-ca` where the host has another name",
            ));
        }
        let needed = !matches!(mode, TlsMode::Disable | TlsMode::Prefer);
        if !compiled && (needed || self.certificate.is_some()) {
            return Err(Error::configuration(format!(
                "`sslmode={}` needs TLS, which is not compiled in",
                mode.name()
            ))
            .with_hint("enable the feature `tls-rustls` of entourage"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(tls: Tls, compiled: bool) -> String {
        tls.validate_for(compiled).unwrap_err().to_string()
    }

    #[test]
    fn what_the_build_cannot_do_names_the_feature() {
        for mode in [TlsMode::Require, TlsMode::VerifyCa, TlsMode::VerifyFull] {
            let tls = Tls {
                mode: Some(mode),
                ..Tls::default()
            };
            assert!(tls.validate_for(true).is_ok());
            let message = message(tls, false);
            assert!(message.contains(&format!("`sslmode={}`", mode.name())));
            assert!(message.contains("feature `tls-rustls`"), "{message}");
        }
        for mode in [None, Some(TlsMode::Disable), Some(TlsMode::Prefer)] {
            let tls = Tls {
                mode,
                ..Tls::default()
            };
            assert!(tls.validate_for(false).is_ok());
        }
    }

    #[test]
    fn no_file_is_passed_over() {
        let authorities = |mode| Tls {
            mode,
            authorities: Some("ca.pem".into()),
            ..Tls::default()
        };
        for mode in [None, Some(TlsMode::Require)] {
            let message = message(authorities(mode), true);
            assert!(message.contains("verify-full"), "{message}");
        }
        assert!(
            authorities(Some(TlsMode::VerifyCa))
                .validate_for(true)
                .is_ok()
        );
        let half = Tls {
            certificate: Some("client.pem".into()),
            ..Tls::default()
        };
        let message = message(half, true);
        assert!(message.contains("`sslkey`"), "{message}");
    }
}
