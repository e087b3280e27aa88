//! Private primaries with replicas: PostgreSQL's standbys, MariaDB's by GTID. Each can be held back, caught up, and made
//! the primary.

use std::time::{Duration, Instant};

use entourage::{Database, prelude::*};

use super::{Skip, server::PrivateServer};

/// How long a replica may take to follow at first, on a busy machine.
const CATCHES_UP: Duration = Duration::from_secs(60);

/// An account that a read-only MariaDB refuses to let write; `root` may.
const MARIADB_APP: &str = "app";

/// A primary and those that follow it.
#[derive(Debug)]
pub struct Replicated {
    /// The server that is written to.
    pub primary: PrivateServer,
    /// Those that follow it.
    pub replicas: Vec<PrivateServer>,
    is_postgres: bool,
}

impl Replicated {
    /// PostgreSQL with this many standbys.
    pub async fn postgres(replicas: usize) -> Result<Self, Skip> {
        let primary = PrivateServer::postgres(&[]).await?;
        let mut standbys = Vec::new();
        for _ in 0..replicas {
            standbys.push(PrivateServer::postgres_standby(&primary).await?);
        }
        Ok(Self {
            primary,
            replicas: standbys,
            is_postgres: true,
        })
    }

    /// MariaDB with this many replicas.
    pub async fn mariadb(replicas: usize) -> Result<Self, Skip> {
        let primary = mariadb(1, "OFF").await?;
        let mut followers = Vec::new();
        for number in 0..replicas {
            followers.push(mariadb(number + 2, "ON").await?);
        }
        let all = Self {
            primary,
            replicas: followers,
            is_postgres: false,
        };
        let grants = format!(
            "CREATE DATABASE test; CREATE USER repl@'127.0.0.1' IDENTIFIED BY 'r'; \
             GRANT REPLICATION SLAVE ON *.* TO repl@'127.0.0.1'; \
             CREATE USER {MARIADB_APP}@'127.0.0.1'; \
             GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, REFERENCES, CREATE ROUTINE, EXECUTE \
             ON *.* TO {MARIADB_APP}@'127.0.0.1'"
        );
        script(&all.primary.url(), &grants).await;
        for replica in &all.replicas {
            let follow = format!(
                "CHANGE MASTER TO master_host='127.0.0.1', master_port={}, master_user='repl', \
                 master_password='r', master_use_gtid=slave_pos, master_connect_retry=1; \
                 START SLAVE",
                all.primary.port()
            );
            script(&replica.url(), &follow).await;
            all.until_equal(replica).await;
        }
        Ok(all)
    }

    /// What programs connect to.
    pub fn primary_url(&self) -> String {
        self.app_url(&self.primary)
    }

    /// The same for a replica.
    pub fn replica_url(&self, index: usize) -> String {
        self.app_url(&self.replicas[index])
    }

    /// What programs connect to whom a port of this machine leads to the primary.
    pub fn url_at(&self, port: u16) -> String {
        let here = format!(":{}", self.primary.port());
        self.primary_url().replace(&here, &format!(":{port}"))
    }

    /// Whether it is PostgreSQL; MariaDB otherwise.
    pub fn is_postgres(&self) -> bool {
        self.is_postgres
    }

    /// From now on the replica applies nothing.
    pub async fn pause(&self, index: usize) {
        let url = self.replicas[index].url();
        if !self.is_postgres {
            return script(&url, "STOP SLAVE SQL_THREAD").await;
        }
        let db = admin(&url).await;
        let state = async |sql: &str| text(&db, sql).await;
        state("SELECT pg_wal_replay_pause()::text").await;
        while state("SELECT pg_get_wal_replay_pause_state()").await != "paused" {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        db.close().await;
    }

    /// It applies what it has missed, and what comes.
    pub async fn resume(&self, index: usize) {
        let url = self.replicas[index].url();
        match self.is_postgres {
            true => {
                let db = admin(&url).await;
                text(&db, "SELECT pg_wal_replay_resume()::text").await;
                db.close().await;
            }
            false => script(&url, "START SLAVE SQL_THREAD").await,
        }
    }

    /// Makes the replica a server that takes writes and follows nobody.
    pub async fn promote(&self, index: usize) {
        let url = self.replicas[index].url();
        match self.is_postgres {
            true => {
                let db = admin(&url).await;
                text(&db, "SELECT pg_promote(true, 60)::text").await;
                db.close().await;
            }
            false => {
                script(&url, "STOP SLAVE; RESET SLAVE ALL; SET GLOBAL read_only=0").await;
            }
        }
    }

    /// Waits until a replica of MariaDB has what the primary has.
    async fn until_equal(&self, replica: &PrivateServer) {
        let (primary, replica) = (
            admin(&self.primary.url()).await,
            admin(&replica.url()).await,
        );
        let wanted = text(&primary, "SELECT CAST(@@gtid_binlog_pos AS CHAR)").await;
        let deadline = Instant::now() + CATCHES_UP;
        loop {
            let has = text(&replica, "SELECT CAST(@@gtid_slave_pos AS CHAR)").await;
            if has == wanted {
                break;
            }
            assert!(
                Instant::now() < deadline,
                "a replica has {has:?} of {wanted:?}: {}",
                state_of_replica(&replica).await
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        primary.close().await;
        replica.close().await;
    }

    fn app_url(&self, server: &PrivateServer) -> String {
        match self.is_postgres {
            true => server.url(),
            false => format!("mysql://{MARIADB_APP}@127.0.0.1:{}/test", server.port()),
        }
    }
}

async fn mariadb(number: usize, read_only: &str) -> Result<PrivateServer, Skip> {
    let id = format!("--server-id={number}");
    let read_only = format!("--read-only={read_only}");
    PrivateServer::mariadb(&[
        &id,
        &read_only,
        "--log-bin=bin",
        "--binlog-format=ROW",
        "--log-slave-updates=ON",
        "--gtid-strict-mode=ON",
        "--sync-binlog=0",
    ])
    .await
}

async fn admin(url: &str) -> Database {
    let db = Database::connect(url).await;
    db.expect("a server of our own takes connections")
}

async fn script(url: &str, sql: &str) {
    let db = admin(url).await;
    let done = db.execute_script(sql).await;
    done.expect("a server of our own does what it is told");
    db.close().await;
}

/// What a replica of MariaDB says of its threads.
async fn state_of_replica(db: &Database) -> String {
    let threads = "SELECT GROUP_CONCAT(command, ' ', state SEPARATOR '; ') FROM information_schema.processlist \
                   WHERE user = 'system user'";
    let errors = "SELECT GROUP_CONCAT(variable_name, ' ', variable_value SEPARATOR '; ') \
                  FROM information_schema.global_status WHERE variable_name LIKE 'Slave%'";
    format!("{}; {}", text(db, threads).await, text(db, errors).await)
}

async fn text(db: &Database, sql: &str) -> String {
    let asked = db.sql(sql, args![]).fetch_one::<(Option<String>,)>().await;
    let (answer,) = asked.expect("a server of our own answers");
    answer.unwrap_or_default()
}
