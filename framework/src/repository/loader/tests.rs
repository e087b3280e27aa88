//! Interleavings are forced by polling by hand, and by an executor that holds statements back.
use std::{
    panic::Location,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use futures_util::{FutureExt, future::join_all};
use tokio::sync::Semaphore;

use super::Loader;
use crate::{
    Database,
    dialect::{Capabilities, Dialect},
    driver::{Outcome, RowSender, RowSink},
    error::{Error, ErrorKind, Result},
    executor::{AtomicScope, Executor, ExecutorHandle},
    prelude::*,
    statement::Statement,
};

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "users", has_many(posts: Post, foreign_key = author_id))]
struct User {
    #[entity(primary_key, generated)]
    id: i64,
    name: String,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "posts")]
#[entity(belongs_to(author: User, foreign_key = author_id))]
#[entity(belongs_to(editor: User, foreign_key = editor_id))]
struct Post {
    #[entity(primary_key, generated)]
    id: i64,
    author_id: i64,
    editor_id: Option<i64>,
}

/// A database whose statements wait for permits, are counted with the keys they ask for, and fail on demand.
#[derive(Debug, Clone)]
struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Database,
    permits: Semaphore,
    sent: Mutex<Vec<String>>,
    fails: AtomicBool,
}

impl Gate {
    async fn open() -> Self {
        let gate = Self::closed().await;
        gate.0.permits.add_permits(1_000);
        gate
    }

    async fn closed() -> Self {
        let db = Database::connect("sqlite::memory:").await.unwrap();
        db.execute_script(
            "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
             CREATE TABLE posts (id INTEGER PRIMARY KEY, author_id INTEGER NOT NULL, editor_id INTEGER);
             INSERT INTO users VALUES (1, 'Ada'), (2, 'Grace'), (3, 'Linus');
             INSERT INTO posts VALUES (1, 1, 2), (2, 1, NULL), (3, 9, NULL)",
        )
        .await
        .unwrap();
        Self(Arc::new(Inner {
            db,
            permits: Semaphore::new(0),
            sent: Mutex::default(),
            fails: AtomicBool::new(false),
        }))
    }

    fn loader(&self) -> Loader {
        Loader::new(ExecutorHandle::shared(self.clone()))
    }

    fn sent(&self) -> Vec<String> {
        self.0.sent.lock().unwrap().clone()
    }
}

#[async_trait]
impl Executor for Gate {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::SQLITE
    }

    async fn run(&self, statement: &Statement, sink: &mut dyn RowSink) -> Result<Outcome> {
        let args = format!("{:?}", statement.args);
        self.0.sent.lock().unwrap().push(args);
        self.0.permits.acquire().await.unwrap().forget();
        if self.0.fails.load(Ordering::Relaxed) {
            return Err(Error::new(
                ErrorKind::Timeout,
                "the statement took too long",
            ));
        }
        self.0.db.run(statement, sink).await
    }

    async fn stream(&self, statement: &Statement, sender: Box<dyn RowSender>) -> Result<Outcome> {
        self.0.db.stream(statement, sender).await
    }

    fn in_transaction(&self) -> bool {
        false
    }

    async fn atomic(
        &self,
        call_site: &'static Location<'static>,
    ) -> Result<Box<dyn AtomicScope + '_>> {
        self.0.db.atomic(call_site).await
    }

    fn warn(&self, message: &str) {
        self.0.db.warn(message);
    }
}

fn user(id: i64) -> User {
    User {
        id,
        name: String::new(),
    }
}

#[tokio::test]
async fn loads_awaited_together_are_one_statement_and_keep_their_answers() {
    let gate = Gate::open().await;
    let loader = gate.loader();
    let ids = [3, 1, 1, 7, 2];
    let found = join_all(ids.map(|id| loader.load::<User>(id))).await;
    let names: Vec<_> = found
        .into_iter()
        .map(|user| user.unwrap().map(|user| user.name))
        .collect();
    let expected = [Some("Linus"), Some("Ada"), Some("Ada"), None, Some("Grace")];
    assert_eq!(names, expected.map(|name| name.map(str::to_owned)));
    assert_eq!(gate.sent().len(), 1);
}

#[tokio::test]
async fn tasks_of_their_own_are_collected_too() {
    let gate = Gate::open().await;
    let loader = gate.loader();
    let tasks: Vec<_> = (1..=3)
        .map(|id| {
            let loader = loader.clone();
            tokio::spawn(async move { loader.load::<User>(id).await })
        })
        .collect();
    for task in tasks {
        assert!(task.await.unwrap().unwrap().is_some());
    }
    assert_eq!(gate.sent().len(), 1);
}

#[tokio::test]
async fn each_level_of_a_walk_is_one_statement() {
    let gate = Gate::open().await;
    let loader = gate.loader();
    let walks = [1, 2, 3].map(|id| {
        let loader = loader.clone();
        async move {
            let user = loader.load::<User>(id).await?.unwrap();
            let posts = loader.related(User::POSTS, &user).await?;
            let editors = posts.iter().map(|post| loader.related(Post::EDITOR, post));
            let editors = join_all(editors).await.into_iter().flatten().flatten();
            Ok::<_, Error>((posts.len(), editors.count()))
        }
    });
    let found: Result<Vec<_>> = join_all(walks).await.into_iter().collect();
    assert_eq!(found.unwrap(), [(2, 1), (0, 0), (0, 0)]);
    assert_eq!(gate.sent().len(), 3);
}

#[tokio::test]
async fn a_caller_dropped_before_the_statement_leaves_its_work_to_the_next() {
    let gate = Gate::open().await;
    let loader = gate.loader();
    let mut first = Box::pin(loader.load::<User>(1));
    assert!(first.as_mut().now_or_never().is_none());
    let mut second = Box::pin(loader.load::<User>(2));
    assert!(second.as_mut().now_or_never().is_none());
    drop(first);
    assert_eq!(second.await.unwrap().unwrap().name, "Grace");
    // The key of the dropped one is not asked for.
    assert_eq!(gate.sent(), ["[BigInt(Some(2))]"]);
}

#[tokio::test]
async fn a_caller_dropped_in_the_middle_of_the_statement_leaves_its_work_to_the_next() {
    let gate = Gate::closed().await;
    let loader = gate.loader();
    let mut first = Box::pin(loader.load::<User>(1));
    let mut second = Box::pin(loader.load::<User>(2));
    while gate.sent().is_empty() {
        assert!(first.as_mut().now_or_never().is_none());
        assert!(second.as_mut().now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    drop(first);
    gate.0.permits.add_permits(1);
    assert_eq!(second.await.unwrap().unwrap().name, "Grace");
    assert_eq!(gate.sent().len(), 2);
    assert_eq!(gate.sent()[1], "[BigInt(Some(2))]");
}

#[tokio::test]
async fn a_load_that_comes_during_the_statement_waits_for_the_next_one() {
    let gate = Gate::closed().await;
    let loader = gate.loader();
    let mut first = Box::pin(loader.load::<User>(1));
    while gate.sent().is_empty() {
        assert!(first.as_mut().now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    let second = loader.load::<User>(1);
    gate.0.permits.add_permits(2);
    let (first, second) = tokio::join!(first, second);
    assert_eq!(first.unwrap(), second.unwrap());
    assert_eq!(gate.sent().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_aborted_at_random_strand_nobody() {
    let gate = Gate::open().await;
    let loader = gate.loader();
    for round in 0..200_u64 {
        let tasks: Vec<_> = (0..8_u64)
            .map(|task| {
                let loader = loader.clone();
                tokio::spawn(async move { loader.load::<User>((task % 3) as i64 + 1).await })
            })
            .collect();
        if round % 2 == 0 {
            tokio::task::yield_now().await;
        }
        for (number, task) in tasks.iter().enumerate() {
            if (round >> (number % 6)) & 1 == 1 {
                task.abort();
            }
        }
        for task in tasks {
            let ended = tokio::time::timeout(std::time::Duration::from_secs(20), task);
            match ended.await.expect("no caller waits for ever") {
                Ok(found) => assert!(found.unwrap().is_some()),
                Err(aborted) => assert!(aborted.is_cancelled()),
            }
        }
    }
}

#[tokio::test]
async fn an_error_reaches_each_caller() {
    let gate = Gate::open().await;
    gate.0.fails.store(true, Ordering::Relaxed);
    let loader = gate.loader();
    for found in join_all([1, 2].map(|id| loader.load::<User>(id))).await {
        let error = found.unwrap_err();
        assert!(error.is_timeout());
        assert!(error.to_string().starts_with("the statement took too long"));
    }
    gate.0.fails.store(false, Ordering::Relaxed);
    assert!(loader.load::<User>(1).await.unwrap().is_some());
}

#[tokio::test]
async fn a_missing_row_fails_its_caller_alone() {
    let gate = Gate::open().await;
    let loader = gate.loader();
    let post = |author_id| Post {
        id: 0,
        author_id,
        editor_id: None,
    };
    let posts = [post(1), post(9)];
    let authors = join_all(posts.iter().map(|post| loader.related(Post::AUTHOR, post))).await;
    assert_eq!(authors[0].as_ref().unwrap().name, "Ada");
    let error = authors[1].as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DanglingKey);
    assert_eq!(gate.sent().len(), 1);
}

#[tokio::test]
async fn a_null_key_leads_to_none_without_a_statement() {
    let gate = Gate::open().await;
    let post = Post {
        id: 0,
        author_id: 1,
        editor_id: None,
    };
    let editor = gate.loader().related(Post::EDITOR, &post).await;
    assert_eq!(editor.unwrap(), None);
    assert!(gate.sent().is_empty());
}

#[tokio::test]
async fn a_batch_has_its_limit() {
    let gate = Gate::open().await;
    let loader = gate.loader().max_batch(2);
    let found = join_all([1, 2, 3, 3].map(|id| loader.load::<User>(id))).await;
    assert!(found.into_iter().all(|user| user.unwrap().is_some()));
    assert_eq!(gate.sent().len(), 2);
}

#[tokio::test]
async fn nothing_is_kept_unless_asked_for() {
    let gate = Gate::open().await;
    let forgetful = gate.loader();
    for _ in 0..2 {
        forgetful.load::<User>(1).await.unwrap();
    }
    assert_eq!(gate.sent().len(), 2);
    let keeping = gate.loader().cached();
    for _ in 0..2 {
        keeping.load::<User>(1).await.unwrap();
        keeping.load::<User>(7).await.unwrap();
        keeping.related(User::POSTS, &user(1)).await.unwrap();
    }
    assert_eq!(gate.sent().len(), 5);
    keeping.clear();
    keeping.load::<User>(1).await.unwrap();
    assert_eq!(gate.sent().len(), 6);
}

#[tokio::test]
async fn a_statement_names_the_line_of_the_call() {
    let gate = Gate::open().await;
    let recording = gate.0.db.recorded();
    let line = line!() + 1;
    let load = gate.loader().load::<User>(1);
    load.await.unwrap();
    assert_eq!(recording.statements()[0].call_site.line(), line);
    assert!(gate.loader().load::<User>(1).now_or_never().is_none());
}
