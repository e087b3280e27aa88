//! How long does it take to write 10,000 and 100,000 rows, by every way of entourage's, by hand, and with Diesel?
//!
//! Rows of three columns and a key that the database makes; the table is emptied between turns, outside the time.
//! Everything is all or nothing. Making the rows is in nobody's time but for `bulk_insert`, which makes them as it goes.
//! All ways take turns; ratios to Diesel within a round.
use std::time::Instant;

use async_trait::async_trait;
use diesel::{Connection as _, RunQueryDsl as _, connection::SimpleConnection as _};
use entourage::{Database, dialect::Dialect, pool::PoolOptions, prelude::*};
use entourage_benches::{Result, ratios::Ratios};
use tokio_postgres::{NoTls, binary_copy::BinaryCopyInWriter, types::Type};

const ROUNDS: usize = 9;
const INSERT: &str = "INSERT INTO bulk_notes (author, body, score) VALUES ";

#[derive(Debug, Clone, Entity)]
#[entity(table = "bulk_notes")]
struct Note {
    #[entity(primary_key, generated)]
    id: i64,
    author: String,
    body: String,
    score: i64,
}

mod schema {
    #![allow(
        unreachable_pub,
        reason = "`table!` writes `pub` on everything it generates"
    )]

    diesel::table! {
        bulk_notes (id) {
            id -> BigInt,
            author -> Text,
            body -> Text,
            score -> BigInt,
        }
    }
}

use schema::bulk_notes;

#[derive(diesel::Insertable)]
#[diesel(table_name = bulk_notes)]
struct DieselNote<'n> {
    author: &'n str,
    body: &'n str,
    score: i64,
}

fn note(number: i64) -> NewNote {
    NewNote {
        author: format!("author {}", number % 97),
        body: format!("the note number {number}, which says nothing more than that"),
        score: number * 7,
    }
}

fn notes(rows: usize) -> Vec<NewNote> {
    (0..).take(rows).map(note).collect()
}

/// A way to write rows.
#[async_trait]
trait Way: Send {
    /// Writes so many; how many seconds it took.
    async fn write(&mut self, rows: usize) -> Result<f64>;
}

#[derive(Clone, Copy)]
enum Ours {
    WithRows,
    WithoutRows,
    Bulk,
}

struct Entourage(Database, Ours);

#[async_trait]
impl Way for Entourage {
    async fn write(&mut self, rows: usize) -> Result<f64> {
        let repository = NoteRepository::new(&self.0);
        let new = match self.1 {
            Ours::Bulk => Vec::new(),
            Ours::WithRows | Ours::WithoutRows => notes(rows),
        };
        let began = Instant::now();
        let written = match self.1 {
            Ours::WithRows => repository.insert_many(new).await?.len(),
            Ours::WithoutRows => repository
                .insert_many(new)
                .without_rows()
                .await?
                .try_into()?,
            Ours::Bulk => {
                let rows = (0..).take(rows).map(note);
                repository.bulk_insert(rows).await?.affected.try_into()?
            }
        };
        assert_eq!(written, rows);
        Ok(began.elapsed().as_secs_f64())
    }
}

/// Diesel, so many rows a statement.
struct Diesel<C>(C, usize);

macro_rules! diesel_way {
    ($connection:ty) => {
        #[async_trait]
        impl Way for Diesel<$connection> {
            async fn write(&mut self, rows: usize) -> Result<f64> {
                let notes = notes(rows);
                let chunk = self.1;
                let began = Instant::now();
                self.0
                    .transaction::<_, diesel::result::Error, _>(|connection| {
                        for notes in notes.chunks(chunk) {
                            let new: Vec<_> = notes
                                .iter()
                                .map(|note| DieselNote {
                                    author: &note.author,
                                    body: &note.body,
                                    score: note.score,
                                })
                                .collect();
                            diesel::insert_into(bulk_notes::table)
                                .values(new)
                                .execute(connection)?;
                        }
                        Ok(())
                    })?;
                Ok(began.elapsed().as_secs_f64())
            }
        }
    };
}

diesel_way!(diesel::SqliteConnection);
diesel_way!(diesel::PgConnection);

/// rusqlite, so many rows a statement, which is prepared once.
struct Rusqlite(rusqlite::Connection, usize);

#[async_trait]
impl Way for Rusqlite {
    async fn write(&mut self, rows: usize) -> Result<f64> {
        let notes = notes(rows);
        let began = Instant::now();
        let transaction = self.0.transaction()?;
        for notes in notes.chunks(self.1) {
            let values = vec!["(?,?,?)"; notes.len()].join(",");
            let mut statement = transaction.prepare_cached(&format!("{INSERT}{values}"))?;
            for (note, first) in notes.iter().zip((1..).step_by(3)) {
                statement.raw_bind_parameter(first, &note.author)?;
                statement.raw_bind_parameter(first + 1, &note.body)?;
                statement.raw_bind_parameter(first + 2, note.score)?;
            }
            statement.raw_execute()?;
        }
        transaction.commit()?;
        Ok(began.elapsed().as_secs_f64())
    }
}

/// tokio-postgres by binary COPY, or by UNNEST.
struct TokioPostgres {
    client: tokio_postgres::Client,
    copies: bool,
}

#[async_trait]
impl Way for TokioPostgres {
    async fn write(&mut self, rows: usize) -> Result<f64> {
        let notes = notes(rows);
        let began = Instant::now();
        if self.copies {
            let copy = "COPY bulk_notes (author, body, score) FROM STDIN BINARY";
            let sink = self.client.copy_in(copy).await?;
            let writer = BinaryCopyInWriter::new(sink, &[Type::TEXT, Type::TEXT, Type::INT8]);
            tokio::pin!(writer);
            for note in &notes {
                let row: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
                    [&note.author, &note.body, &note.score];
                writer.as_mut().write(&row).await?;
            }
            writer.finish().await?;
        } else {
            let authors: Vec<&str> = notes.iter().map(|note| note.author.as_str()).collect();
            let bodies: Vec<&str> = notes.iter().map(|note| note.body.as_str()).collect();
            let scores: Vec<i64> = notes.iter().map(|note| note.score).collect();
            let insert = "INSERT INTO bulk_notes (author, body, score) SELECT * FROM UNNEST($1::text[], $2::text[], $3::bigint[])";
            self.client
                .execute(insert, &[&authors, &bodies, &scores])
                .await?;
        }
        Ok(began.elapsed().as_secs_f64())
    }
}

/// sqlx's connection by COPY, with the rows encoded by hand.
struct Sqlx(sqlx::PgConnection);

#[async_trait]
impl Way for Sqlx {
    async fn write(&mut self, rows: usize) -> Result<f64> {
        let notes = notes(rows);
        let began = Instant::now();
        let copy = "COPY bulk_notes (author, body, score) FROM STDIN BINARY";
        let mut copy = self.0.copy_in_raw(copy).await?;
        let mut data = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
        for note in &notes {
            data.extend_from_slice(&3_i16.to_be_bytes());
            for text in [&note.author, &note.body] {
                data.extend_from_slice(&i32::try_from(text.len())?.to_be_bytes());
                data.extend_from_slice(text.as_bytes());
            }
            data.extend_from_slice(&8_i32.to_be_bytes());
            data.extend_from_slice(&note.score.to_be_bytes());
            if data.len() > 65_536 {
                copy.send(&data[..]).await?;
                data.clear();
            }
        }
        data.extend_from_slice(&(-1_i16).to_be_bytes());
        copy.send(&data[..]).await?;
        copy.finish().await?;
        Ok(began.elapsed().as_secs_f64())
    }
}

type Ways = Vec<(&'static str, Box<dyn Way>)>;

fn ours(db: &Database) -> Ways {
    vec![
        (
            "entourage, insert_many",
            Box::new(Entourage(db.clone(), Ours::WithRows)),
        ),
        (
            "entourage, without_rows",
            Box::new(Entourage(db.clone(), Ours::WithoutRows)),
        ),
        (
            "entourage, bulk_insert",
            Box::new(Entourage(db.clone(), Ours::Bulk)),
        ),
    ]
}

async fn connect(url: &str) -> Result<Database> {
    let pool = PoolOptions::new().max_connections(1);
    let db = Database::builder().url(url).pool(pool).connect().await?;
    db.drop_schema::<Note>().await?;
    db.create_schema::<Note>().await?;
    Ok(db)
}

async fn measure(db: &Database, mut ways: Ways) -> Result<()> {
    let name = db.dialect().system_name();
    let empty = match db.dialect() {
        Dialect::Sqlite => "DELETE FROM bulk_notes",
        Dialect::Postgres | Dialect::Mysql => "TRUNCATE bulk_notes",
    };
    for rows in [10_000, 100_000] {
        let mut ratios = Ratios::of(ways.iter().map(|(name, _)| *name));
        for round in 0..=ROUNDS {
            for way in ratios.turns(round) {
                let took = ways[way].1.write(rows).await?;
                let written = NoteRepository::new(db).query().count().await?;
                assert_eq!(written, rows as u64, "{}", ways[way].0);
                db.execute_script(empty).await?;
                // The first round opens and prepares.
                if round > 0 {
                    ratios.add(way, took / rows as f64);
                }
            }
        }
        ratios.print(&format!("{name}, {rows} rows"), "a row");
    }
    Ok(())
}

async fn sqlite() -> Result<()> {
    const SETUP: &str =
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000";
    let folder = std::env::temp_dir().join(format!("entourage-bulk-{}", std::process::id()));
    std::fs::create_dir(&folder)?;
    let file = folder.join("bench.db");
    let path = file
        .to_str()
        .ok_or("the temporary directory's name is not UTF-8")?;
    let db = connect(&format!("sqlite://{path}")).await?;
    let diesel = |rows| -> Result<Diesel<diesel::SqliteConnection>> {
        let mut connection = diesel::SqliteConnection::establish(path)?;
        connection.batch_execute(SETUP)?;
        Ok(Diesel(connection, rows))
    };
    let rusqlite = |rows| -> Result<Rusqlite> {
        let connection = rusqlite::Connection::open(path)?;
        connection.execute_batch(SETUP)?;
        Ok(Rusqlite(connection, rows))
    };
    let mut ways: Ways = vec![
        ("Diesel, 100 rows a statement", Box::new(diesel(100)?)),
        ("Diesel, 10,000 rows a statement", Box::new(diesel(10_000)?)),
        ("rusqlite, row by row", Box::new(rusqlite(1)?)),
        ("rusqlite, 100 rows a statement", Box::new(rusqlite(100)?)),
    ];
    ways.extend(ours(&db));
    let measured = measure(&db, ways).await;
    db.close().await;
    std::fs::remove_dir_all(&folder)?;
    measured
}

async fn postgres(url: &str) -> Result<()> {
    const SETUP: &str = "SET synchronous_commit = off";
    let db = connect(&format!("{url}?synchronous_commit=off")).await?;
    let mut connection = diesel::PgConnection::establish(url)?;
    connection.batch_execute(SETUP)?;
    let mut ways: Ways = vec![(
        "Diesel, 10,000 rows a statement",
        Box::new(Diesel(connection, 10_000)),
    )];
    for (name, copies) in [
        ("tokio-postgres, UNNEST", false),
        ("tokio-postgres, COPY", true),
    ] {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        client.batch_execute(SETUP).await?;
        ways.push((name, Box::new(TokioPostgres { client, copies })));
    }
    let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect(url).await?;
    sqlx::Executor::execute(&mut connection, SETUP).await?;
    ways.push(("sqlx, COPY encoded by hand", Box::new(Sqlx(connection))));
    ways.extend(ours(&db));
    measure(&db, ways).await?;
    db.drop_schema::<Note>().await?;
    db.close().await;
    Ok(())
}

async fn mysql(url: &str) -> Result<()> {
    let db = connect(url).await?;
    measure(&db, ours(&db)).await?;
    db.drop_schema::<Note>().await?;
    db.close().await;
    Ok(())
}

async fn run(servers: Vec<String>) -> Result<()> {
    sqlite().await?;
    for url in servers {
        match url.starts_with("postgres") {
            true => postgres(&url).await?,
            false => mysql(&url).await?,
        }
    }
    Ok(())
}

fn main() -> Result<()> {
    let servers = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(async move { tokio::spawn(run(servers)).await? })
}
