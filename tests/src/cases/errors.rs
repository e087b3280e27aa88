//! What errors tell.

use entourage::{Database, dialect::Dialect, prelude::*, statement::StatementKind};

use crate::models::{blog::*, shop::*};

pub async fn a_unique_violation_names_what_it_met(db: &Database) {
    seed(db).await.unwrap();
    let error = UserRepository::new(db)
        .insert(user("Ada"))
        .await
        .unwrap_err();
    assert!(error.is_unique_violation(), "{error}");
    assert_eq!(error.columns(), ["email"]);
    match db.dialect() {
        Dialect::Sqlite => assert_eq!(error.constraint(), None),
        _ => assert_eq!(error.constraint(), Some("users_email_key")),
    }
    assert_eq!(error.table(), Some("users"));
    assert!(error.call_site().unwrap().file().ends_with("errors.rs"));
    assert!(std::error::Error::source(&error).is_some());
}

pub async fn a_foreign_key_violation_is_told(db: &Database) {
    let seeded = seed(db).await.unwrap();
    let missing = PostRepository::new(db)
        .insert(NewPost::new(-1, "lost".into(), 0))
        .await
        .unwrap_err();
    assert!(missing.is_foreign_key_violation(), "{missing}");
    let pointed_at = UserRepository::new(db)
        .delete(seeded[0].id)
        .await
        .unwrap_err();
    assert!(pointed_at.is_foreign_key_violation(), "{pointed_at}");
}

pub async fn a_missing_value_is_told(db: &Database) {
    create_shop(db).await;
    let script = match db.dialect() {
        Dialect::Mysql => "ALTER TABLE `lines` MODIFY tenant BIGINT NOT NULL",
        Dialect::Postgres => "ALTER TABLE lines ALTER COLUMN tenant SET NOT NULL",
        Dialect::Sqlite => {
            "DROP TABLE lines; CREATE TABLE lines (id BLOB NOT NULL, tenant INTEGER NOT NULL, sku TEXT, quantity INTEGER)"
        }
    };
    db.execute_script(script).await.unwrap();
    let error = LineRepository::new(db)
        .insert(NewLine::new(1))
        .await
        .unwrap_err();
    assert!(error.is_not_null_violation(), "{error}");
}

pub async fn text_that_cannot_be_held_is_refused_by_its_column(db: &Database) {
    let seeded = seed(db).await.unwrap();
    let refuses = db.dialect() == Dialect::Postgres;
    let (users, posts, tags) = (
        UserRepository::new(db),
        PostRepository::new(db),
        TagRepository::new(db),
    );
    let nul = || "a\0b".to_owned();
    let ada = seeded[0].id;
    let named = NewUser {
        name: nul(),
        ..user("Nul")
    };
    let changed = UserPatch {
        name: Some(nul()),
        ..UserPatch::default()
    };
    let of_many = [user("Xenia"), named.clone()];
    let recording = db.recorded();
    let outcomes = [
        (
            "users.name",
            users.insert(named).await.map(|user| user.name == nul()),
        ),
        (
            "users.name",
            users
                .patch(ada, changed)
                .await
                .map(|user| user.name == nul()),
        ),
        (
            "tags.slug",
            tags.insert(NewTag::new(nul(), "x".to_owned()))
                .await
                .map(|tag| tag.slug == nul()),
        ),
        ("tags.slug", tags.find(nul()).await.map(|tag| tag.is_some())),
        ("tags.slug", tags.find(nul()).await.map(|tag| tag.is_some())),
        (
            "users.name",
            users
                .query()
                .set(User::NAME.to(nul()))
                .update()
                .await
                .map(|rows| rows > 3),
        ),
        (
            "users.name",
            users.filter(User::NAME.eq(nul())).exists().await,
        ),
        (
            "users.name",
            users
                .filter(User::NAME.in_list([nul(), "Ada".to_owned()]))
                .exists()
                .await,
        ),
        (
            "users.name",
            users.filter(User::NAME.like("a\0%")).exists().await,
        ),
        (
            "users.name",
            posts
                .filter(Post::AUTHOR.through(User::NAME).eq(nul()))
                .exists()
                .await,
        ),
        (
            "users.name",
            posts
                .filter(Post::AUTHOR.any(User::NAME.eq(nul())))
                .exists()
                .await,
        ),
        (
            "users.name",
            posts
                .with(Post::EDITOR.filter(!User::NAME.eq(nul())).joined())
                .all()
                .await
                .map(|_| true),
        ),
        (
            "bind argument 2",
            db.sql(
                "SELECT COUNT(*) FROM users WHERE id > ? AND name = ?",
                args![0, nul()],
            )
            .fetch_one::<(i64,)>()
            .await
            .map(|(count,)| count > 0),
        ),
    ];
    for (place, outcome) in outcomes {
        match outcome {
            Ok(seen) => assert!(!refuses && seen, "{place}"),
            Err(error) => {
                assert!(refuses && error.kind() == ErrorKind::Encode, "{error}");
                assert!(error.to_string().contains(place), "{error}");
                assert!(error.hint().unwrap().contains("Vec<u8>"), "{error}");
                assert!(error.call_site().unwrap().file().ends_with("errors.rs"));
            }
        }
    }
    if refuses {
        let sent = recording.statements();
        let sent = sent
            .iter()
            .filter(|sent| sent.kind != StatementKind::Transaction);
        assert_eq!(sent.count(), 0);
        let error = users.insert_many(of_many).await.unwrap_err();
        assert_eq!(
            (error.table(), error.columns()),
            (Some("users"), &["name".to_owned()][..])
        );
    }
}

pub async fn one_row_is_neither_none_nor_two(db: &Database) {
    seed(db).await.unwrap();
    let users = UserRepository::new(db);
    assert_eq!(
        users.query().one().await.unwrap_err().kind(),
        ErrorKind::TooMany
    );
    let none = users
        .filter(User::NAME.eq("Nobody"))
        .one()
        .await
        .unwrap_err();
    assert!(none.is_not_found());
    let first = users.order_by(User::NAME.desc()).first().await.unwrap();
    assert_eq!(first.unwrap().name, "Cleo");
    // A join that multiplies rows does not make one row two.
    for strategy in super::counted::STRATEGIES {
        let ada = users
            .filter(User::NAME.eq("Ada"))
            .strategy(strategy)
            .with(User::POSTS)
            .one()
            .await;
        assert_eq!(ada.unwrap().get(User::POSTS).len(), 3, "{strategy:?}");
    }
}
