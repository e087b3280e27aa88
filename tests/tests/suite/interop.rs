//! Repositories on connections and transactions that are the user's own.

use entourage::{Database, prelude::*};
use entourage_tests::{models::blog::*, require, setup};
use sqlx::{Connection, MySqlConnection, PgConnection};

macro_rules! interop {
    ($($test:ident on $connection:ident, $setup:ident;)*) => {
        $(#[tokio::test]
        async fn $test() {
            let database = require!(setup::$setup().await);
            let db = Database::connect(database.url()).await.unwrap();
            let seeded = seed(&db).await.unwrap();
            let mut connection = $connection::connect(database.url()).await.unwrap();
            let loaded = UserRepository::new(&mut connection)
                .order_by(User::ID.asc())
                .with(User::POSTS.with(Post::COMMENTS))
                .all()
                .await
                .unwrap();
            assert_eq!(loaded[0].get(User::POSTS).len(), 3);
            let mut transaction = connection.begin().await.unwrap();
            let users = UserRepository::new(&mut transaction);
            users.insert(user("Dora")).await.unwrap();
            let patch = UserPatch { name: Some("Adele".into()), ..UserPatch::default() };
            users.patch(seeded[0].id, patch).await.unwrap();
            drop(users);
            transaction.rollback().await.unwrap();
            let users = UserRepository::new(&mut connection);
            let twice = users.insert_many([user("Eve"), user("Ada")]).await;
            assert!(twice.unwrap_err().is_unique_violation());
            drop(users);
            connection.close().await.unwrap();
            let all = UserRepository::new(&db).order_by(User::ID.asc()).all().await.unwrap();
            assert_eq!(all, seeded);
            db.close().await;
        })*
    };
}

interop! {
    repositories_run_on_a_connection_of_sqlx_to_postgres on PgConnection, postgres;
    repositories_run_on_a_connection_of_sqlx_to_mysql on MySqlConnection, mysql;
}
