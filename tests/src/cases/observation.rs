//! What every database tells of its statements.

use std::sync::{Arc, Mutex};

use entourage::{
    Database,
    observe::{Event, Observer, Rules, Scope, TransactionStep},
    prelude::*,
    testing::*,
};

use crate::models::blog::*;

pub async fn a_statement_tells_its_rows_size_and_times(db: &Database) {
    seed(db).await.unwrap();
    let posts = PostRepository::new(db);
    let scope = Scope::only(db.observers());
    scope
        .run(async {
            for _ in 0..2 {
                posts.filter(Post::TITLE.eq("Engines")).all().await.unwrap();
            }
        })
        .await;
    let [first, again] = &scope.statements()[..] else {
        panic!("{}", scope.report());
    };
    assert_eq!((first.rows, first.table(), first.args), (1, "posts", 1));
    // The title's 7 bytes and at least 5 numbers.
    assert!(
        (7 + 4 * 5..200).contains(&first.bytes),
        "{} bytes",
        first.bytes
    );
    assert_eq!(first.duration, first.wait + first.execute + first.decode);
    assert!(!first.execute.is_zero());
    assert_eq!(again.prepared, Some(true));
    assert_eq!(first.fingerprint, again.fingerprint);
    assert_eq!(first.args_hash, again.args_hash);
    assert!(!first.target.system.is_empty());
    let subject = first.plan.subject.as_ref().unwrap();
    assert_eq!(
        (subject.table.name, subject.by.as_slice(), subject.sensitive),
        ("posts", &[3][..], false)
    );
}

pub async fn an_n_plus_one_is_found_and_mended(db: &Database) {
    seed(db).await.unwrap();
    let scope = Scope::only(db.observers());
    let line = line!() + 4;
    scope
        .run(async {
            let users = UserRepository::new(db).query();
            for user in users.all().await.unwrap() {
                let posts = PostRepository::new(db).filter(Post::AUTHOR_ID.eq(user.id));
                posts.all().await.unwrap();
            }
        })
        .await;
    let found = scope.n_plus_ones(&Rules::default());
    assert_eq!(found.len(), 1, "{}", scope.report());
    assert_eq!(
        (found[0].count, found[0].relations.as_slice()),
        (3, &["User::POSTS"][..])
    );
    assert!(
        found[0]
            .fix()
            .contains(&format!("observation.rs:{line}: 4 statements become 2")),
        "{}",
        found[0].fix()
    );
    assert_no_n_plus_one!(
        db,
        UserRepository::new(db)
            .query()
            .with(User::POSTS)
            .all()
            .await
            .unwrap()
    );
}

pub async fn counts_do_not_depend_on_the_data(db: &Database) {
    seed(db).await.unwrap();
    let more = async |rows: i32| -> Result<()> {
        let author = UserRepository::new(db).find(1).await?.unwrap();
        let posts = (0..rows).map(|number| post(&author, &format!("More {number}"), number));
        PostRepository::new(db).insert_many(posts).await.map(drop)
    };
    let page = || {
        UserRepository::new(db)
            .query()
            .with(User::POSTS.with(Post::COMMENTS))
            .all()
    };
    assert_constant_queries!(db, scales = [2, 50, 200], more, page);
}

#[derive(Default)]
struct Steps(Mutex<Vec<(TransactionStep, bool)>>);

impl Observer for Steps {
    fn on_event(&self, event: &Event<'_>) {
        if let Event::Transaction(event) = event {
            let mut steps = self.0.lock().unwrap();
            steps.push((event.step, event.error.is_some()));
        }
    }
}

pub async fn the_steps_of_a_transaction_are_told(db: &Database) {
    use TransactionStep::*;
    create_blog(db).await;
    let steps = Arc::new(Steps::default());
    db.observe(steps.clone());
    let tx = db.begin().await.unwrap();
    let kept = tx.begin().await.unwrap();
    UserRepository::new(&kept)
        .insert(user("Ada"))
        .await
        .unwrap();
    kept.commit().await.unwrap();
    tx.begin().await.unwrap().rollback().await.unwrap();
    tx.commit().await.unwrap();
    drop(db.begin().await.unwrap());
    db.begin().await.unwrap().rollback().await.unwrap();
    let told: Vec<_> = steps.0.lock().unwrap().clone();
    // The insert has a savepoint of its own where its row has to be read again.
    let insert: &[_] = match db.capabilities().returning {
        true => &[],
        false => &[Savepoint, Release],
    };
    let before = [Begin, Savepoint];
    let after = [
        Release,
        Savepoint,
        RollbackToSavepoint,
        Commit,
        Begin,
        Rollback,
        Begin,
        Rollback,
    ];
    let expected = [&before, insert, &after].concat();
    let expected: Vec<_> = expected.into_iter().map(|step| (step, false)).collect();
    assert_eq!(told, expected);
}
