//! Repositories inside transactions.

use entourage::Database;

use crate::models::blog::*;

pub async fn a_committed_transaction_stays(db: &Database) {
    seed(db).await.unwrap();
    let tx = db.begin().await.unwrap();
    let dora = UserRepository::new(&tx).insert(user("Dora")).await.unwrap();
    let inside = UserRepository::new(&tx)
        .order_by(User::ID.asc())
        .with(User::POSTS)
        .with(User::GROUPS)
        .all();
    assert_eq!(inside.await.unwrap().len(), 4);
    tx.commit().await.unwrap();
    assert_eq!(
        UserRepository::new(db).find(dora.id).await.unwrap(),
        Some(dora)
    );
}

pub async fn a_rolled_back_transaction_leaves_nothing(db: &Database) {
    let seeded = seed(db).await.unwrap();
    let tx = db.begin().await.unwrap();
    UserRepository::new(&tx).insert(user("Dora")).await.unwrap();
    let patch = UserPatch {
        name: Some("Adele".into()),
        ..UserPatch::default()
    };
    UserRepository::new(&tx)
        .patch(seeded[0].id, patch)
        .await
        .unwrap();
    tx.rollback().await.unwrap();
    let tx = db.begin().await.unwrap();
    UserRepository::new(&tx).insert(user("Eve")).await.unwrap();
    drop(tx);
    let all = UserRepository::new(db)
        .order_by(User::ID.asc())
        .all()
        .await
        .unwrap();
    assert_eq!(all, seeded);
}

pub async fn a_failed_insert_of_many_leaves_nothing(db: &Database) {
    seed(db).await.unwrap();
    let users = UserRepository::new(db);
    let new = (0..2_000)
        .map(|number| user(&format!("U{number}")))
        .chain([user("Ada")]);
    assert!(
        users
            .insert_many(new)
            .await
            .unwrap_err()
            .is_unique_violation()
    );
    assert_eq!(users.query().count().await.unwrap(), 3);
}
