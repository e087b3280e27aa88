//! The ten answers on every database that can be had, with every strategy: equal, in equal numbers of statements.
//!
//! The official SQL files are not part of the project: `CHINOOK_SQL` names the folder that holds them. Without it the
//! test says that it is skipped.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::path::PathBuf;

use chinook::{
    load,
    model::{Album, AlbumRepository, Artist, ArtistRepository, NewAlbum, NewArtist},
    questions::{Answer, ask_all},
};
use entourage::{Database, eager::Strategy, pool::PoolOptions, testing::assert_constant_queries};

fn folder() -> Option<PathBuf> {
    let named = std::env::var_os("CHINOOK_SQL").map(PathBuf::from);
    let beside = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/chinook"
    ));
    named
        .or(Some(beside))
        .filter(|folder| folder.join("Chinook_Sqlite.sql").exists())
}

const STRATEGIES: [Strategy; 4] = [
    Strategy::Batched,
    Strategy::Unified,
    Strategy::Joined,
    Strategy::Auto,
];

/// Asks on and on. Each connection prepares each text once, which 25 rounds outweigh even if it happens only now.
async fn assert_reused(db: &Database, file: &str) {
    let before = db.statement_stats();
    for strategy in STRATEGIES.into_iter().cycle().take(100) {
        ask_all(db, strategy).await.unwrap();
    }
    let stats = db.statement_stats().since(&before);
    let rate = stats.reuse_rate() * 100.0;
    println!("{file}: {rate:.1} % of the statements reused: {stats:?}");
    assert!(rate > 95.0, "{file}: {stats:?}");
    assert_eq!(stats.evictions, 0, "{file}: {stats:?}");
}

/// More artists with more albums need no more statements.
async fn assert_constant(db: &Database) {
    let more = async |count: usize| -> entourage::Result<()> {
        let mut artists = Vec::new();
        let last = ArtistRepository::new(db)
            .order_by(Artist::ID.desc())
            .first()
            .await?;
        let first = last.map_or(1, |artist| artist.id + 1);
        for id in (first..).take(count) {
            artists.push(NewArtist {
                id,
                name: Some(format!("Artist {id}")),
            });
        }
        ArtistRepository::new(db).insert_many(artists).await?;
        let last = AlbumRepository::new(db)
            .order_by(Album::ID.desc())
            .first()
            .await?;
        let next = last.map_or(1, |album| album.id + 1);
        let albums = (next..)
            .zip(first..)
            .take(count)
            .map(|(id, artist_id)| NewAlbum {
                id,
                title: format!("Album {id}"),
                artist_id,
            });
        AlbumRepository::new(db).insert_many(albums).await.map(drop)
    };
    for strategy in STRATEGIES {
        assert_constant_queries!(db, scales = [3, 40], more, || ask_all(db, strategy));
    }
}

async fn answers(db: &Database, file: &str) -> Vec<Vec<Answer>> {
    let folder = folder().expect("the caller has looked");
    let sql = std::fs::read_to_string(folder.join(file)).unwrap();
    load::load(db, &sql).await.unwrap();
    let mut answers = Vec::new();
    for strategy in STRATEGIES {
        answers.push(ask_all(db, strategy).await.unwrap());
    }
    assert_reused(db, file).await;
    assert_constant(db).await;
    answers
}

/// A database of its own on a server, made by its administration database.
async fn fresh(variable: &str, admin: &str) -> Option<(Database, Database, String)> {
    let base = std::env::var(variable).ok()?;
    let (server, _) = base
        .trim_end_matches('/')
        .rsplit_once('/')
        .filter(|(server, _)| server.contains("//") && !server.ends_with('/'))
        .map_or((base.trim_end_matches('/'), ""), |(server, name)| {
            (server, name)
        });
    let name = format!("chinook_{}", std::process::id());
    let control = Database::connect(&format!("{server}/{admin}"))
        .await
        .unwrap();
    control
        .execute_script(&format!("DROP DATABASE IF EXISTS {name}"))
        .await
        .unwrap();
    control
        .execute_script(&format!("CREATE DATABASE {name}"))
        .await
        .unwrap();
    let db = Database::builder()
        .url(&format!("{server}/{name}"))
        .pool(PoolOptions::default().max_connections(2))
        .connect()
        .await
        .unwrap();
    Some((db, control, name))
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_questions_have_equal_answers_on_every_database_and_by_every_strategy() {
    if folder().is_none() {
        println!(
            "SKIPPED chinook: the official SQL files are not here; name their folder in CHINOOK_SQL"
        );
        return;
    }
    let sqlite = Database::connect("sqlite::memory:").await.unwrap();
    let expected = answers(&sqlite, "Chinook_Sqlite.sql").await;
    let lines = |answers: &[Answer]| {
        answers
            .iter()
            .map(|answer| answer.lines.clone())
            .collect::<Vec<_>>()
    };
    let counts = |answers: &[Answer]| {
        answers
            .iter()
            .map(|answer| answer.statements)
            .collect::<Vec<_>>()
    };
    for answers in &expected {
        assert_eq!(lines(answers), lines(&expected[0]));
    }
    assert_eq!(counts(&expected[0]), [4, 2, 4, 4, 4, 2, 3, 3, 4, 7]);
    assert_eq!(counts(&expected[1]), [1, 1, 1, 4, 1, 2, 1, 1, 1, 4]);
    for (variable, admin, file) in [
        (
            "ENTOURAGE_TEST_POSTGRES_URL",
            "postgres",
            "Chinook_PostgreSql.sql",
        ),
        ("ENTOURAGE_TEST_MYSQL_URL", "mysql", "Chinook_MySql.sql"),
    ] {
        let Some((db, control, name)) = fresh(variable, admin).await else {
            println!("SKIPPED chinook with {file}: {variable} is not set");
            assert!(
                std::env::var_os("REQUIRE_DATABASES").is_none(),
                "{variable} is not set"
            );
            continue;
        };
        let got = answers(&db, file).await;
        db.close().await;
        control
            .execute_script(&format!("DROP DATABASE {name}"))
            .await
            .unwrap();
        for (got, expected) in got.iter().zip(&expected) {
            for (got, expected) in got.iter().zip(expected) {
                assert_eq!(got.lines, expected.lines, "{file}: {}", got.question);
            }
        }
        // What Auto chooses differs by database; the other strategies send the same number everywhere.
        for strategy in 0..2 {
            assert_eq!(
                counts(&got[strategy]),
                counts(&expected[strategy]),
                "{file}"
            );
        }
    }
}
