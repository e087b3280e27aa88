//! Views beside replicas.
use entourage::{prelude::*, routing::Consistency};
use entourage_tests::{models::library::*, setup::replication::Replicated};

use super::{connect, patient};

#[derive(Debug, Clone, PartialEq, View)]
#[view(name = "author_count", materialized, reads(Author))]
#[view(query = "SELECT 1 AS id, COUNT(*) AS authors FROM authors")]
struct AuthorCount {
    #[view(primary_key)]
    id: i64,
    authors: i64,
}

pub(super) async fn a_view_knows_of_writes_through_every_handle(servers: &Replicated) {
    let db = connect(servers, patient()).await;
    db.create_view::<AuthorCount>().await.unwrap();
    let handles = [
        ("itself", db.clone()),
        ("primary", db.primary()),
        ("session", db.session()),
        ("consistency", db.consistency(Consistency::Eventual)),
    ];
    let mut expected = db.refresh::<AuthorCount>().await.unwrap().rows;
    for (name, handle) in handles {
        for in_transaction in [false, true] {
            let new = NewAuthor {
                name: format!("{name} {in_transaction}"),
            };
            if in_transaction {
                let tx = handle.begin().await.unwrap();
                AuthorRepository::new(&tx).insert(new).await.unwrap();
                tx.commit().await.unwrap();
            } else {
                AuthorRepository::new(&handle).insert(new).await.unwrap();
            }
            let state = db.view_state::<AuthorCount>().await.unwrap();
            assert_eq!(state.sources_written, Some(true), "{name} {in_transaction}");
            let rows = handle.refresh::<AuthorCount>().await.unwrap().rows;
            assert_eq!(rows, expected);
            expected = rows;
            let state = handle.view_state::<AuthorCount>().await.unwrap();
            assert_eq!(
                state.sources_written,
                Some(false),
                "{name} {in_transaction}"
            );
        }
    }
    db.drop_view::<AuthorCount>().await.unwrap();
    db.close().await;
}
