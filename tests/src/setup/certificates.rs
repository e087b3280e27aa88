//! Authorities and certificates, made for one test.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

/// An authority that signs certificates.
#[derive(Debug)]
pub struct Authority {
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, in PEM form.
#[derive(Debug, Clone)]
pub struct Signed {
    /// The certificate.
    pub certificate: String,
    /// Its key.
    pub key: String,
}

impl Authority {
    /// An authority of this name, which signs itself.
    ///
    /// # Panics
    ///
    /// If the machine has no randomness.
    pub fn new(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key can be made");
        let mut params = named(&[], name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("it signs itself").pem();
        Self {
            certificate,
            issuer: Issuer::new(params, key),
        }
    }

    /// Its own certificate, in PEM form.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// A certificate for these host names and addresses.
    ///
    /// # Panics
    ///
    /// As [`Authority::new`], and for what is no name of a host.
    pub fn sign(&self, hosts: &[&str]) -> Signed {
        let key = KeyPair::generate().expect("a key can be made");
        let params = named(hosts, "a test");
        let certificate = params.signed_by(&key, &self.issuer);
        Signed {
            certificate: certificate.expect("the authority signs").pem(),
            key: key.serialize_pem(),
        }
    }
}

fn named(hosts: &[&str], name: &str) -> CertificateParams {
    let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(hosts).expect("these are names of hosts");
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
