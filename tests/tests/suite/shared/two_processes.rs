//! Two real processes: how long the one may be given an old row after the other's write has returned, and what is left when
//! the other is killed.

use std::{
    io::Write as _,
    process::Stdio,
    time::{SystemTime, UNIX_EPOCH},
};

use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use super::*;

/// What a child is to do: `database|redis url or nothing|namespace|row`. Without it the children's tests do nothing.
const JOB: &str = "ENTOURAGE_TEST_SHARED";

fn job() -> Option<(String, Way, i64)> {
    let job = std::env::var(JOB).ok()?;
    let parts: Vec<&str> = job.split('|').collect();
    let way = match parts[1] {
        "" => Way::Notify,
        url => Way::Redis(url.to_owned(), parts[2].to_owned()),
    };
    Some((parts[0].to_owned(), way, parts[3].parse().unwrap()))
}

/// A test of this binary as a process of its own, and what it prints.
fn child(test: &str, url: &str, way: &Way, id: i64) -> (Child, Lines<BufReader<ChildStdout>>) {
    let (redis, namespace) = match way {
        Way::Redis(url, namespace) => (&**url, &**namespace),
        Way::Notify => ("", ""),
    };
    let test = format!("shared::two_processes::{test}");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &test, "--nocapture", "--test-threads=1"])
        .env(JOB, format!("{url}|{redis}|{namespace}|{id}"))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

fn say(line: &str) {
    // One call, so that no line is torn but the last.
    let line = format!("\n{line}\n");
    std::io::stdout().write_all(line.as_bytes()).unwrap();
}

/// The next line that begins with `word`, without it.
async fn line(lines: &mut Lines<BufReader<ChildStdout>>, word: &str) -> String {
    loop {
        let line = lines.next_line().await.unwrap();
        let line = line.unwrap_or_else(|| panic!("the child ended before `{word}`"));
        if let Some(rest) = line.strip_prefix(word) {
            return rest.trim().to_owned();
        }
    }
}

fn micros() -> u128 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_micros()
}

/// Reads the row again and again, and prints each name when it is new.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_reader() {
    let Some((url, way, id)) = job() else { return };
    let db = connect(&url, way.share()).await;
    let mut last = String::new();
    loop {
        let name = name_of(&db, id).await;
        if name != last {
            say(&format!("saw {} {name}", micros()));
            last = name;
        }
        tokio::time::sleep(Duration::from_micros(100)).await;
    }
}

/// Renames the row again and again, and prints each name once it is written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_writer() {
    let Some((url, way, id)) = job() else { return };
    let db = connect(&url, way.share()).await;
    let authors = AuthorRepository::new(&db);
    let from: u64 = authors
        .bypass_cache()
        .get(id)
        .await
        .unwrap()
        .name
        .parse()
        .unwrap();
    for number in from + 1.. {
        authors
            .patch(id, renamed(&number.to_string()))
            .await
            .unwrap();
        say(&format!("wrote {number}"));
    }
}

async fn stale_window(database: TestDatabase, way: Way) {
    const WRITES: usize = 200;
    let [db] = handles(&database, &way).await;
    let authors = AuthorRepository::new(&db);
    let id = authors.insert(author("0")).await.unwrap().id;
    let (mut child, mut lines) = child("the_reader", database.url(), &way, id);
    assert!(line(&mut lines, "saw").await.ends_with(" 0"));
    let mut windows = Vec::with_capacity(WRITES);
    for number in 1..=WRITES {
        let number = number.to_string();
        authors.patch(id, renamed(&number)).await.unwrap();
        let returned = micros();
        let saw = line(&mut lines, "saw").await;
        let (at, name) = saw.split_once(' ').unwrap();
        // One after the other: no write is passed over, none comes back.
        assert_eq!(name, number);
        windows.push(at.parse::<u128>().unwrap().saturating_sub(returned));
    }
    child.kill().await.unwrap();
    windows.sort_unstable();
    let at = |part: usize| windows[(windows.len() - 1) * part / 100];
    println!(
        "{way:?}: stale after the write's return, of {WRITES}: median {} us, p99 {} us, longest {} us",
        at(50),
        at(99),
        at(100)
    );
    db.close().await;
}

/// Whatever a writer was doing when it was killed: when the doubt is over, nobody keeps an old row.
async fn killed_writer(database: TestDatabase, way: Way) {
    const KILLS: u64 = 10;
    let doubt = Duration::from_millis(500);
    let cache = CacheOptions::new().share(way.share()).doubt(doubt);
    let db = Database::builder()
        .url(database.url())
        .cache(cache)
        .connect();
    let db = db.await.unwrap();
    create_library(&db).await;
    let authors = AuthorRepository::new(&db);
    let id = authors.insert(author("0")).await.unwrap().id;
    for round in 0..KILLS {
        let (mut child, mut lines) = child("the_writer", database.url(), &way, id);
        let mut wrote = line(&mut lines, "wrote").await;
        for _ in 0..round {
            name_of(&db, id).await;
            wrote = line(&mut lines, "wrote").await;
        }
        child.kill().await.unwrap();
        let wrote: u64 = wrote.parse().unwrap();
        // Kept again, and what the database has.
        soon("a row that is kept", || async {
            statements(&db, authors.get(id)).await.0 == 0
        })
        .await;
        let truth = authors.bypass_cache().get(id).await.unwrap().name;
        assert!(truth.parse::<u64>().unwrap() >= wrote);
        soon("the truth", || async { name_of(&db, id).await == truth }).await;
        tokio::time::sleep(3 * doubt).await;
        assert_eq!(authors.bypass_cache().get(id).await.unwrap().name, truth);
        assert_eq!(name_of(&db, id).await, truth);
    }
    db.close().await;
}

on_each! {
    the_stale_window_over_redis_is_short = stale_window on sqlite by redis;
    the_stale_window_over_redis_is_short_on_postgres = stale_window on postgres by redis;
    the_stale_window_over_notify_is_short = stale_window on postgres by notify;
    a_killed_writer_leaves_no_old_row_in_redis = killed_writer on postgres by redis;
    a_killed_writer_leaves_no_old_row_in_redis_on_mysql = killed_writer on mysql by redis;
    a_killed_writer_leaves_no_old_row_by_notify = killed_writer on postgres by notify;
}
