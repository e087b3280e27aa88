//! Why an encrypted connection did not come about, and the way out.
use std::path::Path;

use crate::{
    driver::{ConnectOptions, tls::Tls},
    error::{Error, ErrorKind},
};

/// Why the encrypted connection was refused on our side, if that is why: `cause` is what sqlx or rustls says.
pub(super) fn refused(options: &ConnectOptions, cause: &str) -> Option<Error> {
    if let Some((file, error)) = unreadable(&options.tls) {
        let message = format!(
            "could not connect to {options}: `{}`: {error}",
            file.display()
        );
        return Some(Error::configuration(message).with_hint("it is a file in PEM form"));
    }
    let hint = hint(cause)?;
    let message = format!("could not connect to {options}: {cause}");
    Some(Error::new(ErrorKind::Configuration, message).with_hint(hint))
}

fn hint(cause: &str) -> Option<&'static str> {
    let known = [
        (
            "does not support TLS",
            "turn TLS on in the server's configuration; `sslmode=prefer` would go without",
        ),
        (
            "without TLS support",
            "enable the feature `tls-rustls` of entourage",
        ),
        (
            "certificate not valid for name",
            "connect to a name that the server's certificate has, or take `sslmode=verify-ca`",
        ),
        (
            "UnknownIssuer",
            "name the file with its authority's certificate: `sslrootcert=..`",
        ),
        (
            "invalid peer certificate",
            "renew the server's certificate, or take `sslmode=require`, which does not look at it",
        ),
        (
            "Invalid certificate",
            "`sslrootcert` is a file of certificates in PEM form",
        ),
        (
            "no keys found",
            "`sslkey` is a private key in PEM form, without a password",
        ),
        (
            "alert: UnknownCA",
            "`sslcert` is not from an authority that the server trusts",
        ),
        (
            "alert: CertificateRequired",
            "the server wants a certificate of the client's: `sslcert` and `sslkey`",
        ),
    ];
    let found = known.iter().find(|(part, _)| cause.contains(part));
    found.map(|(_, hint)| *hint)
}

/// The first of the files that cannot be read.
fn unreadable(tls: &Tls) -> Option<(&Path, std::io::Error)> {
    let files = [&tls.authorities, &tls.certificate, &tls.key];
    let mut files = files.into_iter().flatten();
    files.find_map(|file| Some((file.as_path(), std::fs::File::open(file).err()?)))
}
