//! Settings, from the command line and the environment.
use std::{net::SocketAddr, time::Duration};

use crate::model::article::views;

/// What the program is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `--database-url` or `DATABASE_URL`.
    pub database_url: String,
    /// `--listen`.
    pub listen: SocketAddr,
    /// `--connections`: how many there may be to the database.
    pub connections: usize,
    /// `CONDUIT_SECRET`: what tokens are signed by. It has no option, because others can read a command line.
    pub secret: Option<String>,
    /// `--demo`: whether an empty database gets demo data. The embedded one always does.
    pub demo: bool,
    /// `--inspector` or `CONDUIT_INSPECTOR`: whether a release build shows its inspector. A debug build always does.
    pub inspector: bool,
    /// `--journal` and `--flush-views`: how views of articles are counted.
    pub views: views::Options,
    /// How long a token is valid.
    pub token_lifetime: Duration,
}

/// How the program is called.
pub const USAGE: &str = "usage: conduit [--database-url URL] [--listen ADDRESS:PORT] [--connections N] [--demo]
               [--journal FOLDER] [--flush-views SECONDS] [--inspector]

  --database-url  sqlite://file.db, postgres://.. or mysql://..; DATABASE_URL, or else sqlite://conduit.db
  --listen        127.0.0.1:3000 unless set
  --connections   how many to the database, 20 unless set
  --demo          fill an empty database with demo data
  --journal       keep the views that are not written yet in this folder, so that a crash loses none; one process each
  --flush-views   write the views of articles this often, 0.5 unless set
  --inspector     show what requests do to the database at /_inspector/ in a release build too, to this machine only;
                  or set CONDUIT_INSPECTOR=1

The environment variable CONDUIT_SECRET signs tokens; without it, those of the last run are not valid in the next.";

const EMBEDDED: &str = "sqlite://conduit.db";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Config {
    /// Reads the program's arguments, without its name, and its environment.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn read(
        arguments: impl IntoIterator<Item = String>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let mut config = Self {
            database_url: environment("DATABASE_URL").unwrap_or_else(|| EMBEDDED.to_owned()),
            listen: SocketAddr::from(([127, 0, 0, 1], 3000)),
            connections: 20,
            secret: environment("CONDUIT_SECRET").filter(|secret| !secret.is_empty()),
            demo: false,
            views: views::Options::default(),
            inspector: is_set(environment("CONDUIT_INSPECTOR"))?,
            token_lifetime: 30 * DAY,
        };
        let mut arguments = arguments.into_iter();
        while let Some(name) = arguments.next() {
            let mut value = || {
                let value = arguments.next();
                value.ok_or_else(|| format!("`{name}` wants a value"))
            };
            match name.as_str() {
                "--database-url" => config.database_url = value()?,
                "--listen" => config.listen = parsed(&name, &value()?)?,
                "--connections" => config.connections = parsed(&name, &value()?)?,
                "--demo" => config.demo = true,
                "--journal" => config.views.journal = Some(value()?.into()),
                "--flush-views" => config.views.flush_every = seconds(&name, &value()?)?,
                "--inspector" => config.inspector = true,
                _ => return Err(format!("there is no option `{name}`")),
            }
        }
        config.demo |= config.database_url == EMBEDDED;
        Ok(config)
    }
}

/// A switch in the environment.
fn is_set(value: Option<String>) -> Result<bool, String> {
    match value.as_deref() {
        None | Some("" | "0") => Ok(false),
        Some("1") => Ok(true),
        Some(other) => Err(format!("CONDUIT_INSPECTOR is 1 or 0, not {other:?}")),
    }
}

fn seconds(name: &str, value: &str) -> Result<Duration, String> {
    let seconds = Duration::try_from_secs_f64(parsed(name, value)?);
    seconds.map_err(|_| format!("{value:?} is no time for `{name}`"))
}

fn parsed<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, String> {
    let invalid = |_| format!("{value:?} is no value for `{name}`");
    value.parse().map_err(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Config, String> {
        Config::read(line.split_whitespace().map(str::to_owned), |_| None)
    }

    #[test]
    fn without_options_it_is_an_embedded_demo() {
        let config = read("").unwrap();
        assert_eq!(config.database_url, "sqlite://conduit.db");
        assert!(config.demo && config.secret.is_none());
    }

    #[test]
    fn a_server_has_no_demo_data_unless_asked_for() {
        let line = "--database-url postgres://host/db --listen 0.0.0.0:80";
        let config = read(line).unwrap();
        assert!(!config.demo);
        assert_eq!(config.listen.port(), 80);
        assert!(read(&format!("{line} --demo")).unwrap().demo);
    }

    #[test]
    fn views_may_be_kept_in_a_journal() {
        let views = read("").unwrap().views;
        assert_eq!(views, views::Options::default());
        let views = read("--journal views --flush-views 2.5").unwrap().views;
        assert_eq!(views.journal, Some("views".into()));
        assert_eq!(views.flush_every, Duration::from_millis(2_500));
    }

    #[test]
    fn the_inspector_is_asked_for_by_an_option_or_the_environment() {
        let of = |value: &'static str| {
            let environment =
                move |name: &str| (name == "CONDUIT_INSPECTOR").then(|| value.to_owned());
            Config::read([], environment).map(|config| config.inspector)
        };
        assert!(!read("").unwrap().inspector && read("--inspector").unwrap().inspector);
        assert_eq!((of("1"), of("0"), of("")), (Ok(true), Ok(false), Ok(false)));
        assert_eq!(
            of("yes").unwrap_err(),
            "CONDUIT_INSPECTOR is 1 or 0, not \"yes\""
        );
    }

    #[test]
    fn what_has_no_meaning_is_told() {
        assert_eq!(read("--port 1").unwrap_err(), "there is no option `--port`");
        assert_eq!(read("--listen").unwrap_err(), "`--listen` wants a value");
        let error = read("--connections many").unwrap_err();
        assert_eq!(error, "\"many\" is no value for `--connections`");
        let error = read("--flush-views -1").unwrap_err();
        assert_eq!(error, "\"-1\" is no time for `--flush-views`");
    }
}
