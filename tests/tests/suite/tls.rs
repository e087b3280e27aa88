//! Encrypted connections: what each mode encrypts and whom it trusts, asked back from servers with certificates of our own.

use std::{path::PathBuf, time::Duration};

use entourage::{
    Database, Error, ErrorKind, Result, dialect::Dialect, driver::ConnectOptions,
    pool::PoolOptions, prelude::*,
};
use entourage_tests::{
    require,
    setup::{Scratch, Skip, certificates::Authority, server::PrivateServer},
};

/// Who may connect to PostgreSQL and how: `sealed` by TLS alone, `known` with a certificate of its own.
const HOSTS: &str = "\
local all all trust
hostssl all known 127.0.0.1/32 trust clientcert=verify-ca
hostnossl all known,sealed 127.0.0.1/32 reject
host all all 127.0.0.1/32 trust
";

/// The same for MariaDB, with the users themselves.
const MARIADB_USERS: &str = "\
CREATE USER ada@'127.0.0.1' IDENTIFIED BY 'sesame';
CREATE USER sealed@'127.0.0.1' IDENTIFIED BY 'sesame' REQUIRE SSL;
CREATE USER known@'127.0.0.1' IDENTIFIED BY 'sesame' REQUIRE X509";

const POSTGRES_USERS: &str =
    "CREATE ROLE ada LOGIN; CREATE ROLE sealed LOGIN; CREATE ROLE known LOGIN";

/// A server, and the files of those who connect to it.
struct Scene {
    server: PrivateServer,
    files: Scratch,
}

impl Scene {
    /// A server whose certificate is for 127.0.0.1 alone.
    async fn encrypted(dialect: Dialect) -> Result<Self, Skip> {
        let authority = Authority::new("the authority");
        let own = authority.sign(&["127.0.0.1"]);
        let client = authority.sign(&["client.example"]);
        let stranger = Authority::new("another authority");
        let strange = stranger.sign(&["client.example"]);
        let files = [
            ("server.pem", own.certificate.as_str()),
            ("server.key", &own.key),
            ("ca.pem", authority.certificate()),
        ];
        let server = match dialect {
            Dialect::Postgres => {
                let files = [&files[..], &[("pg_hba.conf", HOSTS)]].concat();
                let settings = [
                    "-c",
                    "ssl=on",
                    "-c",
                    "ssl_cert_file={data}/server.pem",
                    "-c",
                    "ssl_key_file={data}/server.key",
                    "-c",
                    "ssl_ca_file={data}/ca.pem",
                ];
                PrivateServer::postgres_with(&files, &settings).await?
            }
            _ => {
                let settings = [
                    "--ssl-cert={data}/server.pem",
                    "--ssl-key={data}/server.key",
                    "--ssl-ca={data}/ca.pem",
                ];
                PrivateServer::mariadb_with(&files, &settings).await?
            }
        };
        let scene = Self::with_users(server, dialect).await?;
        scene.write("ca.pem", authority.certificate());
        scene.write("stranger.pem", stranger.certificate());
        scene.write("client.pem", &client.certificate);
        scene.write("client.key", &client.key);
        scene.write("strange.pem", &strange.certificate);
        scene.write("strange.key", &strange.key);
        Ok(scene)
    }

    /// A server without TLS.
    async fn plain(dialect: Dialect) -> Result<Self, Skip> {
        let server = match dialect {
            Dialect::Postgres => PrivateServer::postgres(&[]).await?,
            _ => PrivateServer::mariadb(&["--skip-ssl"]).await?,
        };
        Self::with_users(server, dialect).await
    }

    async fn with_users(server: PrivateServer, dialect: Dialect) -> Result<Self, Skip> {
        let db = connect(ConnectOptions::parse(&server.url()).unwrap())
            .await
            .unwrap();
        let users = match dialect {
            Dialect::Postgres => POSTGRES_USERS,
            _ => MARIADB_USERS,
        };
        db.execute_script(users).await.unwrap();
        db.close().await;
        let files = Scratch::new().unwrap();
        Ok(Self { server, files })
    }

    fn write(&self, name: &str, content: &str) {
        std::fs::write(self.path(name), content).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    /// A URL to the server; `{files}` in `options` is the folder of the client's files.
    fn url(&self, user: &str, host: &str, options: &str) -> String {
        let url = url::Url::parse(&self.server.url()).unwrap();
        let (scheme, port) = (url.scheme(), url.port().unwrap());
        let database = match scheme {
            "postgres" => "postgres",
            _ => "",
        };
        let folder = self.files.path().display().to_string();
        let options = options.replace("{files}", &folder);
        format!("{scheme}://{user}:sesame@{host}:{port}/{database}?{options}")
    }

    async fn connect(&self, user: &str, host: &str, options: &str) -> Result<Database> {
        connect(ConnectOptions::parse(&self.url(user, host, options))?).await
    }

    #[track_caller]
    fn assert_refused(&self, result: Result<Database>, expected: [&str; 2]) {
        self.assert_refused_as(result, ErrorKind::Configuration, expected);
    }

    /// The error names the host, the cause and the way out, and not the password.
    #[track_caller]
    fn assert_refused_as(
        &self,
        result: Result<Database>,
        kind: ErrorKind,
        [cause, way_out]: [&str; 2],
    ) {
        let Err(error) = result else {
            panic!("it was not refused");
        };
        assert_eq!(error.kind(), kind, "{error:?}");
        let text = error.to_string();
        let port = url::Url::parse(&self.server.url()).unwrap().port().unwrap();
        assert!(text.contains(&format!(":{port}")), "{text}");
        assert!(text.contains(cause), "{text}");
        assert!(error.hint().unwrap_or_default().contains(way_out), "{text}");
        assert!(!whole(&error).contains("sesame"), "{}", whole(&error));
    }
}

/// All that an error says in any form.
fn whole(error: &Error) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text += &format!(" {cause} {cause:?}");
        source = cause.source();
    }
    text
}

async fn connect(options: ConnectOptions) -> Result<Database> {
    let options = options.connect_timeout(Duration::from_secs(60));
    let pool = PoolOptions::new().max_connections(1);
    Database::builder()
        .options(options)
        .pool(pool)
        .connect()
        .await
}

/// The server's word on it.
async fn is_encrypted(db: &Database) -> bool {
    match db.dialect() {
        Dialect::Postgres => {
            let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
            let (ssl,) = db.sql(sql, args![]).fetch_one::<(bool,)>().await.unwrap();
            ssl
        }
        _ => {
            let cipher = db.sql("SHOW SESSION STATUS LIKE 'Ssl_cipher'", args![]);
            let (_, cipher) = cipher.fetch_one::<(String, String)>().await.unwrap();
            !cipher.is_empty()
        }
    }
}

async fn modes_encrypt_as_they_say(dialect: Dialect) {
    let scene = require!(Scene::encrypted(dialect).await);
    let modes = [
        ("127.0.0.1", "sslmode=disable", false),
        ("127.0.0.1", "", true),
        ("127.0.0.1", "sslmode=prefer", true),
        ("127.0.0.1", "sslmode=require", true),
        ("localhost", "sslmode=require", true),
        (
            "127.0.0.1",
            "sslmode=verify-ca&sslrootcert={files}/ca.pem",
            true,
        ),
        (
            "localhost",
            "sslmode=verify-ca&sslrootcert={files}/ca.pem",
            true,
        ),
        (
            "127.0.0.1",
            "sslmode=verify-full&sslrootcert={files}/ca.pem",
            true,
        ),
        (
            "127.0.0.1",
            "ssl-mode=VERIFY_IDENTITY&ssl-ca={files}/ca.pem",
            true,
        ),
    ];
    for (host, options, expected) in modes {
        let db = scene.connect("ada", host, options).await;
        let db = db.unwrap_or_else(|error| panic!("{host} {options}: {error}"));
        assert_eq!(is_encrypted(&db).await, expected, "{host} {options}");
        // More than one record of the protocol holds, there and back.
        let long = "x".repeat(200_000);
        let sql = match dialect {
            Dialect::Postgres => "SELECT repeat(?, 5), 1",
            _ => "SELECT CONCAT(?, REPEAT('x', 800000)), 1",
        };
        let answer = db.sql(sql, args![long]).fetch_one::<(String, i64)>();
        assert_eq!(answer.await.unwrap().0.len(), 1_000_000);
        assert!(db.close().await.is_clean());
    }
}

async fn a_server_that_is_not_trusted_is_refused(dialect: Dialect) {
    let scene = require!(Scene::encrypted(dialect).await);
    let refused = [
        (
            "127.0.0.1",
            "verify-ca&sslrootcert={files}/stranger.pem",
            ["UnknownIssuer", "sslrootcert"],
        ),
        (
            "127.0.0.1",
            "verify-full&sslrootcert={files}/stranger.pem",
            ["UnknownIssuer", "sslrootcert"],
        ),
        ("127.0.0.1", "verify-full", ["UnknownIssuer", "sslrootcert"]),
        (
            "localhost",
            "verify-full&sslrootcert={files}/ca.pem",
            ["not valid for name", "verify-ca"],
        ),
        (
            "127.0.0.1",
            "verify-full&sslrootcert={files}/none.pem",
            ["none.pem", "PEM"],
        ),
    ];
    for (host, options, expected) in refused {
        let result = scene
            .connect("ada", host, &format!("sslmode={options}"))
            .await;
        scene.assert_refused(result, expected);
    }
    for options in [
        "sslrootcert={files}/ca.pem",
        "sslmode=require&sslrootcert={files}/ca.pem",
    ] {
        let error = scene
            .connect("ada", "127.0.0.1", options)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.to_string().contains("verify-full"), "{error}");
    }
}

async fn a_server_without_tls_is_used_or_refused_as_asked(dialect: Dialect) {
    let scene = require!(Scene::plain(dialect).await);
    for options in ["", "sslmode=prefer", "sslmode=disable"] {
        let db = scene.connect("ada", "127.0.0.1", options).await.unwrap();
        assert!(!is_encrypted(&db).await, "{options}");
    }
    for mode in ["require", "verify-ca", "verify-full"] {
        let result = scene
            .connect("ada", "127.0.0.1", &format!("sslmode={mode}"))
            .await;
        scene.assert_refused(result, ["does not support TLS", "sslmode=prefer"]);
    }
}

async fn a_user_may_be_held_to_tls_and_a_certificate(dialect: Dialect) {
    let scene = require!(Scene::encrypted(dialect).await);
    let db = scene
        .connect("sealed", "127.0.0.1", "sslmode=require")
        .await
        .unwrap();
    assert!(is_encrypted(&db).await);
    let refused = scene
        .connect("sealed", "127.0.0.1", "sslmode=disable")
        .await;
    scene.assert_refused_as(refused, ErrorKind::Authentication, ["sealed", ""]);

    let checked = "sslmode=verify-full&sslrootcert={files}/ca.pem";
    let own = format!("{checked}&sslcert={{files}}/client.pem&sslkey={{files}}/client.key");
    let db = scene.connect("known", "127.0.0.1", &own).await.unwrap();
    assert!(is_encrypted(&db).await);
    let refused = scene.connect("known", "127.0.0.1", checked).await;
    scene.assert_refused_as(refused, ErrorKind::Authentication, ["", ""]);
    let strange = own.replace("client.", "strange.");
    let refused = scene.connect("known", "127.0.0.1", &strange).await;
    scene.assert_refused(refused, ["UnknownCA", "sslcert"]);
    let half = format!("{checked}&sslcert={{files}}/client.pem");
    let error = scene
        .connect("known", "127.0.0.1", &half)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("sslkey"), "{error}");
    let none = own.replace("client.key", "none.key");
    let refused = scene.connect("known", "127.0.0.1", &none).await;
    scene.assert_refused(refused, ["none.key", "PEM"]);
}

macro_rules! on_both {
    ($($case:ident),* $(,)?) => {
        mod postgres {
            $(#[tokio::test]
            async fn $case() {
                super::$case(entourage::dialect::Dialect::Postgres).await;
            })*
        }

        mod mariadb {
            $(#[tokio::test]
            async fn $case() {
                super::$case(entourage::dialect::Dialect::Mysql).await;
            })*
        }
    };
}

on_both! {
    modes_encrypt_as_they_say,
    a_server_that_is_not_trusted_is_refused,
    a_server_without_tls_is_used_or_refused_as_asked,
    a_user_may_be_held_to_tls_and_a_certificate,
}
