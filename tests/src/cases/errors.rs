//! What errors tell.

use entourage::{Database, dialect::Dialect, prelude::*};

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
