//! Settings that do not go together, each with its reason and a way out.
use std::time::Duration;

use super::PoolOptions;
use crate::error::{Error, Result};

impl PoolOptions {
    /// Checks that the settings go together.
    ///
    /// # Errors
    /// A [`Configuration`](crate::ErrorKind::Configuration) error that names the settings, their values and the reason;
    /// its hint is the way out.
    pub fn validate(&self) -> Result<()> {
        self.check_name()?;
        self.check_size()?;
        self.check_zeroes()?;
        self.check_ages()?;
        match &self.connect_retry {
            Some(retry) => retry.validate(),
            None => Ok(()),
        }
    }

    fn check_name(&self) -> Result<()> {
        match &self.name {
            Some(name) if name.is_empty() => Err(Error::configuration(
                "`name` is empty, so nobody could tell this pool from another",
            )
            .with_hint("leave it out, or name what the pool is for")),
            _ => Ok(()),
        }
    }

    fn check_size(&self) -> Result<()> {
        let (min, max) = (self.min_connections, self.max_connections);
        if max == 0 {
            return Err(Error::configuration(
                "`max_connections` is 0, so no statement could ever run",
            ));
        }
        if min > max {
            return Err(Error::configuration(format!(
                "`min_connections` ({min}) is greater than `max_connections` ({max})"
            ))
            .with_hint(format!(
                "lower `min_connections` to {max}, or raise `max_connections` to {min}"
            )));
        }
        Ok(())
    }

    fn check_zeroes(&self) -> Result<()> {
        if self.acquire_timeout.is_zero() {
            return Err(Error::configuration(
                "`acquire_timeout` is zero, so every wait for a connection would fail",
            ));
        }
        for (name, limit, reason) in [
            (
                "idle_timeout",
                self.idle_timeout,
                "no connection could be used twice",
            ),
            (
                "max_lifetime",
                self.max_lifetime,
                "no connection could be used twice",
            ),
            (
                "keep_alive",
                self.keep_alive,
                "connections would be pinged all the time",
            ),
            (
                "leak_after",
                self.leak_after,
                "every connection would be reported at once",
            ),
        ] {
            if limit.is_some_and(|limit| limit.is_zero()) {
                let message = format!("`{name}` is zero, so {reason}");
                return Err(Error::configuration(message).with_hint("give `None` to have no limit"));
            }
        }
        Ok(())
    }

    fn check_ages(&self) -> Result<()> {
        self.check_order(
            ("max_lifetime", self.max_lifetime),
            ("idle_timeout", self.idle_timeout),
        )?;
        self.check_order(
            ("max_lifetime", self.max_lifetime),
            ("keep_alive", self.keep_alive),
        )?;
        // The least number stays open for longer than `idle_timeout`.
        if self.min_connections == 0 {
            self.check_order(
                ("idle_timeout", self.idle_timeout),
                ("keep_alive", self.keep_alive),
            )?;
        }
        Ok(())
    }

    /// Refuses a `first` that is over before `second` could ever apply.
    fn check_order(
        &self,
        (first, end): (&str, Option<Duration>),
        (second, later): (&str, Option<Duration>),
    ) -> Result<()> {
        match (end, later) {
            (Some(end), Some(later)) if end < later => Err(Error::configuration(format!(
                "`{first}` ({end:?}) is shorter than `{second}` ({later:?}), which could then never apply"
            ))
            .with_hint(format!(
                "lower `{second}` below {end:?} or give it `None`, or raise `{first}` above {later:?}"
            ))),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::ConnectRetry;

    const SECOND: Duration = Duration::from_secs(1);

    fn refused(options: PoolOptions) -> String {
        options.validate().unwrap_err().to_string()
    }

    #[test]
    fn settings_that_do_not_go_together_are_refused_with_the_reason() {
        let new = PoolOptions::new;
        assert!(refused(new().max_connections(0)).contains("no statement"));
        assert_eq!(
            refused(new().max_connections(3).min_connections(4)),
            "`min_connections` (4) is greater than `max_connections` (3); lower `min_connections` to 3, or raise \
             `max_connections` to 4"
        );
        assert!(refused(new().acquire_timeout(Duration::ZERO)).contains("zero"));
        assert!(refused(new().idle_timeout(Duration::ZERO)).contains("idle_timeout"));
        assert!(refused(new().leak_after(Duration::ZERO)).contains("reported at once"));
        assert!(refused(new().keep_alive(Duration::ZERO)).contains("all the time"));
        assert!(refused(new().name("")).contains("`name` is empty"));
        let shorter = refused(new().max_lifetime(SECOND));
        assert!(
            shorter.starts_with("`max_lifetime` (1s) is shorter than `idle_timeout` (600s)"),
            "{shorter}"
        );
        assert!(
            new()
                .max_lifetime(SECOND)
                .idle_timeout(None)
                .validate()
                .is_ok()
        );
    }

    #[test]
    fn a_keep_alive_that_never_comes_is_refused() {
        let never = PoolOptions::new()
            .idle_timeout(SECOND)
            .keep_alive(2 * SECOND);
        let message = refused(never.clone());
        assert!(
            message.starts_with("`idle_timeout` (1s) is shorter than `keep_alive` (2s)"),
            "{message}"
        );
        // The least number is kept alive.
        assert!(never.min_connections(1).validate().is_ok());
        let old = PoolOptions::new()
            .idle_timeout(None)
            .max_lifetime(SECOND)
            .keep_alive(2 * SECOND);
        assert!(refused(old).starts_with("`max_lifetime` (1s)"));
    }

    #[test]
    fn a_retry_that_makes_no_sense_is_refused() {
        let with = |retry| refused(PoolOptions::new().connect_retry(retry));
        let retry = ConnectRetry::default();
        assert!(
            with(ConnectRetry {
                attempts: 0,
                ..retry
            })
            .contains("0 attempts")
        );
        assert!(
            with(ConnectRetry {
                multiplier: 0.5,
                ..retry
            })
            .contains("0.5")
        );
        assert!(
            with(ConnectRetry {
                multiplier: f64::NAN,
                ..retry
            })
            .contains("NaN")
        );
        assert!(
            with(ConnectRetry {
                jitter: 1.5,
                ..retry
            })
            .contains("1.5")
        );
        let max_interval = Duration::from_millis(1);
        assert!(
            with(ConnectRetry {
                max_interval,
                ..retry
            })
            .contains("250ms")
        );
    }

    #[test]
    fn every_preset_is_valid() {
        for preset in [
            PoolOptions::new(),
            PoolOptions::web(),
            PoolOptions::background(),
            PoolOptions::batch(),
        ] {
            preset.validate().unwrap();
            preset.sole().validate().unwrap();
            preset.writer().validate().unwrap();
            preset.readers().validate().unwrap();
        }
    }

    #[test]
    fn a_server_is_shared_fairly() {
        let shared = PoolOptions::for_server(100, 10, 4);
        assert_eq!(shared.get_max_connections(), 22);
        assert_eq!(PoolOptions::for_server(5, 10, 4).get_max_connections(), 1);
    }
}
