//! Passwords by argon2id. Hashing is slow by design, so it runs beside the tasks that serve, and only so many at once as
//! there are processors: sign-ins may wait, other requests do not.
use std::{num::NonZero, sync::Arc};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use tokio::sync::Semaphore;

use crate::error::Error;

/// Hashes and verifies passwords.
#[derive(Debug, Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    at_once: Arc<Semaphore>,
    /// The hash of no password of anybody, for addresses that nobody has.
    nobody: Arc<str>,
}

impl Passwords {
    /// With what `params` say: see [`Params`], whose default is OWASP's recommendation.
    ///
    /// # Errors
    /// If the system has no random numbers.
    pub fn new(params: Params) -> Result<Self, argon2::password_hash::Error> {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        let nobody = argon2.hash_password(b"")?.to_string();
        Ok(Self {
            argon2,
            at_once: Arc::new(Semaphore::new(processors)),
            nobody: nobody.into(),
        })
    }

    /// The hash of a password, with its salt and parameters.
    ///
    /// # Errors
    /// 500 if the system has no random numbers.
    pub async fn hash(&self, password: String) -> Result<String, Error> {
        let argon2 = self.argon2.clone();
        let hash = move || argon2.hash_password(password.as_bytes());
        match self.beside(hash).await? {
            Ok(hash) => Ok(hash.to_string()),
            Err(error) => Err(Error::internal(&error)),
        }
    }

    /// Whether the password is the one of `hash`. Without a hash it is not, and takes as long to tell.
    ///
    /// # Errors
    /// 500 if the work could not be done.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, Error> {
        let (argon2, nobody) = (self.argon2.clone(), Arc::clone(&self.nobody));
        let verify = move || {
            let text = hash.as_deref().unwrap_or(&nobody);
            let parsed = PasswordHash::new(text);
            let matches = |parsed| argon2.verify_password(password.as_bytes(), &parsed).is_ok();
            hash.is_some() & parsed.is_ok_and(matches)
        };
        self.beside(verify).await
    }

    async fn beside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let permit = Arc::clone(&self.at_once).acquire_owned().await;
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        done.await.map_err(|error| Error::internal(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_by_its_hash_and_no_other_is() {
        let passwords = Passwords::new(Params::new(8, 1, 1, None).unwrap()).unwrap();
        let hash = passwords.hash("secret".to_owned()).await.unwrap();
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        let verify = async |password: &str, hash: Option<&String>| {
            let verified = passwords.verify(password.to_owned(), hash.cloned());
            verified.await.unwrap()
        };
        assert!(verify("secret", Some(&hash)).await);
        assert!(!verify("Secret", Some(&hash)).await);
        assert!(!verify("", None).await);
    }
}
