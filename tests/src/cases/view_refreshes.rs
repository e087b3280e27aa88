//! Refreshes of views beside readers, writers and each other, and those in the background.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use entourage::{
    Database, ErrorKind,
    observe::{Event, Observer, ViewEvent},
    prelude::*,
    refresher::{Refresher, Schedule},
    transaction::IsolationLevel,
};
use tokio::{sync::mpsc, task::JoinHandle};

use crate::models::views::*;

const SOON: Duration = Duration::from_millis(1);
const NEVER: Duration = Duration::from_secs(3_600);

async fn words(db: &Database, author: &Author) -> Option<i64> {
    let figures = AuthorFiguresRepository::new(db).find(author.id);
    figures.await.unwrap().map(|figures| figures.words)
}

fn soon() -> Schedule {
    Schedule::after_writes(SOON, SOON).concurrently()
}

/// What happened to views, and whether the next success is to meet a panic.
struct Told {
    news: mpsc::UnboundedSender<String>,
    panics: AtomicBool,
}

impl Observer for Told {
    fn on_event(&self, event: &Event<'_>) {
        let news = match event {
            Event::View(ViewEvent::Refreshed { view, .. }) => {
                assert!(
                    !self.panics.swap(false, Ordering::SeqCst),
                    "as the case wants it"
                );
                format!("{view} refreshed")
            }
            Event::View(ViewEvent::Failed {
                view,
                failures,
                error,
                ..
            }) => match error {
                Some(_) => format!("{view} failed {failures}"),
                None => format!("{view} panicked {failures}"),
            },
            Event::StatementStarted(started)
                if started
                    .statement
                    .sql()
                    .starts_with("INSERT INTO entourage_views") =>
            {
                "lock asked for".to_owned()
            }
            _ => return,
        };
        // The case may be over.
        let _ = self.news.send(news);
    }
}

fn told(db: &Database) -> (Arc<Told>, mpsc::UnboundedReceiver<String>) {
    let (news, heard) = mpsc::unbounded_channel();
    let told = Arc::new(Told {
        news,
        panics: AtomicBool::new(false),
    });
    db.observe(told.clone());
    (told, heard)
}

async fn hears(heard: &mut mpsc::UnboundedReceiver<String>, wanted: &str) {
    while heard.recv().await.expect("the observer is there") != wanted {}
}

pub async fn nobody_sees_a_refresh_before_its_commit(db: &Database) {
    let authors = seed(db).await.unwrap();
    db.refresh::<AuthorFigures>().await.unwrap();
    for round in 0..50 {
        let before = words(db, &authors[0]).await;
        let tx = db.begin().await.unwrap();
        let late = article(&authors[0], "Late", 1);
        ArticleRepository::new(&tx).insert(late).await.unwrap();
        tx.refresh::<AuthorFigures>().concurrently().await.unwrap();
        // In memory there is one connection, and the transaction has it.
        if db.pool_stats().max > 1 {
            assert_eq!(words(db, &authors[0]).await, before, "{round}");
            let all = AuthorFiguresRepository::new(db).query().count().await;
            assert_eq!(all.unwrap(), 2);
        }
        tx.commit().await.unwrap();
        assert_eq!(words(db, &authors[0]).await, before.map(|words| words + 1));
    }
}

pub async fn a_reader_sees_the_rows_of_one_refresh(db: &Database) {
    seed(db).await.unwrap();
    let even_out = async |words: i32| {
        let tx = db.begin().await?;
        let all = ArticleRepository::new(&tx).query();
        all.set(Article::WORDS.to(words)).update().await?;
        tx.refresh::<AuthorFigures>().await?;
        tx.commit().await
    };
    even_out(0).await.unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let reads: [_; 2] = std::array::from_fn(|_| Arc::new(AtomicUsize::new(0)));
    let readers = reads.clone().map(|reads| {
        let (db, over) = (db.clone(), Arc::clone(&over));
        tokio::spawn(async move {
            while !over.load(Ordering::SeqCst) {
                let figures = AuthorFiguresRepository::new(&db);
                let rows = figures.order_by(AuthorFigures::AUTHOR_ID.asc());
                let rows = rows.all().await.unwrap();
                let each: Vec<_> = rows.iter().map(|row| row.words / row.articles).collect();
                assert_eq!(rows.len(), 2);
                assert_eq!(each[0], each[1]);
                reads.fetch_add(1, Ordering::SeqCst);
            }
        })
    });
    let mut round = 0;
    // A busy machine may be long in starting the readers.
    while round < 50 || reads.iter().any(|reads| reads.load(Ordering::SeqCst) < 50) {
        round += 1;
        even_out(round).await.unwrap();
        if readers.iter().any(JoinHandle::is_finished) {
            break;
        }
    }
    over.store(true, Ordering::SeqCst);
    for reader in readers {
        reader.await.unwrap();
    }
}

pub async fn refreshes_at_once_wait_for_each_other(db: &Database) {
    let authors = seed(db).await.unwrap();
    let tasks: Vec<_> = (0..5)
        .map(|task| {
            let (db, author) = (db.clone(), authors[task % 3].clone());
            tokio::spawn(async move {
                for _ in 0..10 {
                    let one = article(&author, "More", 1);
                    ArticleRepository::new(&db).insert(one).await?;
                    let refresh = db.refresh::<AuthorFigures>();
                    match task % 2 {
                        0 => refresh.concurrently().await?,
                        _ => refresh.await?,
                    };
                }
                Ok::<_, Error>(())
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let state = db.view_state::<AuthorFigures>().await.unwrap();
    assert_eq!((state.refreshes, state.sources_written), (51, Some(false)));
    assert_eq!(words(db, &authors[0]).await, Some(1_820));
    assert_eq!(words(db, &authors[2]).await, Some(10));
}

pub async fn a_refresh_waits_for_the_one_that_is_not_committed(db: &Database) {
    let authors = seed(db).await.unwrap();
    let (_told, mut heard) = told(db);
    for round in 1..=50 {
        let tx = db.begin().await.unwrap();
        tx.refresh::<AuthorFigures>().concurrently().await.unwrap();
        hears(&mut heard, "lock asked for").await;
        let late = article(&authors[2], "Late", 1);
        ArticleRepository::new(&tx).insert(late).await.unwrap();
        let other = tokio::spawn({
            let db = db.clone();
            async move { db.refresh::<AuthorFigures>().await }
        });
        hears(&mut heard, "lock asked for").await;
        tx.commit().await.unwrap();
        other.await.unwrap().unwrap();
        // It read after the wait, and so it has what was committed meanwhile.
        assert_eq!(words(db, &authors[2]).await, Some(round));
    }
}

pub async fn a_view_follows_the_writes(db: &Database) {
    let authors = seed(db).await.unwrap();
    let (_told, mut heard) = told(db);
    let refresher = Refresher::builder(db).view::<AuthorFigures>(soon());
    let refresher = refresher.start().unwrap();
    // What was written before it began is unknown.
    hears(&mut heard, "author_figures refreshed").await;
    for round in 1..=20 {
        let one = article(&authors[2], "More", 1);
        ArticleRepository::new(db).insert(one).await.unwrap();
        while words(db, &authors[2]).await != Some(round) {
            hears(&mut heard, "author_figures refreshed").await;
        }
    }
    let figures = refresher.shutdown().await;
    assert_eq!(
        (figures[0].view, figures[0].failures),
        ("author_figures", 0)
    );
    assert!(
        figures[0].refreshes >= 2 && !figures[0].pending,
        "{figures:?}"
    );
    assert!(figures[0].last.is_some());
}

pub async fn a_write_during_a_refresh_is_not_forgotten(db: &Database) {
    let authors = seed(db).await.unwrap();
    let (_told, mut heard) = told(db);
    let refresher = Refresher::builder(db).view::<AuthorFigures>(soon());
    let refresher = refresher.start().unwrap();
    hears(&mut heard, "author_figures refreshed").await;
    for round in 1..=50 {
        // At MySQL's default level, the refresh would keep writers out of what it reads.
        let tx = db.transaction().isolation(IsolationLevel::ReadCommitted);
        let tx = tx.begin().await.unwrap();
        tx.refresh::<AuthorFigures>().concurrently().await.unwrap();
        hears(&mut heard, "lock asked for").await;
        let articles = ArticleRepository::new(db);
        articles
            .insert(article(&authors[2], "Before", 1))
            .await
            .unwrap();
        // The refresher's own has begun, and waits.
        hears(&mut heard, "lock asked for").await;
        articles
            .insert(article(&authors[2], "During", 1))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        while words(db, &authors[2]).await != Some(2 * round) {
            hears(&mut heard, "author_figures refreshed").await;
        }
        // The last one may have come after the words were right.
        while refresher.figures()[0].pending {
            tokio::task::yield_now().await;
        }
        while heard.try_recv().is_ok() {}
    }
    refresher.shutdown().await;
}

pub async fn a_shutdown_leaves_nothing_old(db: &Database) {
    let authors = seed(db).await.unwrap();
    db.refresh::<AuthorFigures>().await.unwrap();
    let late = Schedule::after_writes(NEVER, NEVER).or_every(NEVER);
    let refresher = Refresher::builder(db).view::<AuthorFigures>(late);
    let refresher = refresher.start().unwrap();
    let one = article(&authors[2], "More", 5);
    ArticleRepository::new(db).insert(one).await.unwrap();
    let figures = refresher.shutdown().await;
    assert_eq!(words(db, &authors[2]).await, Some(5));
    assert_eq!((figures[0].refreshes, figures[0].pending), (1, false));
}

pub async fn a_refresh_that_fails_is_tried_again(db: &Database) {
    let authors = seed(db).await.unwrap();
    db.refresh::<AuthorFigures>().await.unwrap();
    let (told, mut heard) = told(db);
    let refresher = Refresher::builder(db).view::<AuthorFigures>(soon());
    let refresher = refresher.start().unwrap();
    told.panics.store(true, Ordering::SeqCst);
    let one = article(&authors[2], "More", 5);
    ArticleRepository::new(db).insert(one).await.unwrap();
    hears(&mut heard, "author_figures panicked 1").await;
    hears(&mut heard, "author_figures refreshed").await;
    db.drop_view::<AuthorFigures>().await.unwrap();
    hears(&mut heard, "author_figures failed 1").await;
    let figures = refresher.figures();
    let error = figures[0].last_error.as_deref().unwrap();
    assert!(error.contains("author_figures"), "{error}");
    db.create_view::<AuthorFigures>().await.unwrap();
    hears(&mut heard, "author_figures refreshed").await;
    let figures = refresher.shutdown().await;
    assert!(figures[0].failures >= 2, "{figures:?}");
    assert_eq!(figures[0].last_error, None);
    assert_eq!(words(db, &authors[2]).await, Some(5));
}

pub async fn a_view_is_refreshed_from_time_to_time(db: &Database) {
    seed(db).await.unwrap();
    let (_told, mut heard) = told(db);
    let every = Schedule::every(Duration::from_millis(5));
    let refresher = Refresher::builder(db).view::<AuthorFigures>(every);
    let refresher = refresher.start().unwrap();
    for _ in 0..3 {
        hears(&mut heard, "author_figures refreshed").await;
    }
    drop(refresher);
}

/// PostgreSQL's CONCURRENTLY has nothing to compare with there.
pub async fn a_view_that_was_never_filled_is_filled_in_the_background(db: &Database) {
    let authors = seed(db).await.unwrap();
    db.execute_script("REFRESH MATERIALIZED VIEW author_figures WITH NO DATA")
        .await
        .unwrap();
    let figures = AuthorFiguresRepository::new(db);
    figures.query().count().await.unwrap_err();
    let (_told, mut heard) = told(db);
    let refresher = Refresher::builder(db).view::<AuthorFigures>(soon());
    let refresher = refresher.start().unwrap();
    hears(&mut heard, "author_figures refreshed").await;
    assert!(figures.query().count().await.unwrap() > 0);
    let one = article(&authors[2], "More", 5);
    ArticleRepository::new(db).insert(one).await.unwrap();
    hears(&mut heard, "author_figures refreshed").await;
    let figures = refresher.shutdown().await;
    assert_eq!(figures[0].failures, 0, "{figures:?}");
    assert_eq!(words(db, &authors[2]).await, Some(5));
}

pub async fn a_refresher_without_a_meaning_does_not_start(db: &Database) {
    seed(db).await.unwrap();
    let none = Refresher::builder(db).start().unwrap_err();
    assert_eq!(none.kind(), ErrorKind::Configuration);
    let plain = Refresher::builder(db).view::<LongArticle>(soon());
    assert_eq!(plain.start().unwrap_err().kind(), ErrorKind::InvalidQuery);
    let always = Schedule::every(Duration::ZERO);
    let always = Refresher::builder(db).view::<AuthorFigures>(always);
    assert_eq!(always.start().unwrap_err().kind(), ErrorKind::Configuration);
    let cron = Schedule::cron("every night").unwrap_err();
    assert_eq!(cron.kind(), ErrorKind::Configuration);
}
