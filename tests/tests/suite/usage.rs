//! The lint of indexes on MariaDB servers that count reads; by default they do not.
use entourage::{
    Database,
    database::lint::{FindingKind, Unjudged},
    prelude::*,
};
use entourage_tests::{require, setup::server::PrivateServer};

#[derive(Debug, Clone, Entity)]
#[entity(table = "parcels")]
#[entity(index(sender, weight))]
struct Parcel {
    #[entity(primary_key, generated)]
    id: i64,
    #[entity(length = 20)]
    sender: String,
    weight: i32,
}

/// The index that is declared is read, and the other one is not.
async fn reads_are_counted(server: PrivateServer) {
    let admin = Database::connect(&server.url()).await.unwrap();
    admin.execute_script("CREATE DATABASE post").await.unwrap();
    admin.close().await;
    let url = server.url();
    let db = Database::connect(&format!("{}/post", url.trim_end_matches('/'))).await;
    let db = db.unwrap();
    db.create_schema::<Parcel>().await.unwrap();
    let unread = "CREATE INDEX parcels_unread ON parcels (weight)";
    db.execute_script(unread).await.unwrap();
    let parcels = ParcelRepository::new(&db);
    for weight in 0..20 {
        let sender = format!("sender {}", weight % 5);
        parcels
            .insert(NewParcel::new(sender, weight))
            .await
            .unwrap();
    }
    let lint = || db.lint::<Parcel>().unused_after(4);
    let mut report = lint().await.unwrap();
    // Some counts are told by a connection when it has ended a statement, some later.
    for _ in 0..100 {
        let is_few = |unjudged: &Unjudged| matches!(unjudged, Unjudged::Usage { .. });
        if report.findings().len() == 1 && !report.unjudged().iter().any(is_few) {
            break;
        }
        let found = parcels.filter(Parcel::SENDER.eq("sender 1")).all().await;
        assert_eq!(found.unwrap().len(), 4);
        report = lint().await.unwrap();
    }
    let [finding] = report.findings() else {
        panic!("{report}");
    };
    let FindingKind::UnusedIndex { index, reads, .. } = finding.kind() else {
        panic!("{report}");
    };
    assert_eq!(index, "parcels_unread");
    assert!(*reads >= 4, "{report}");
    db.execute_script(finding.ddl()).await.unwrap();
    lint().await.unwrap().into_result().unwrap();
    db.close().await;
}

#[tokio::test]
async fn user_statistics_tell_which_indexes_are_read() {
    reads_are_counted(require!(PrivateServer::mariadb(&["--userstat=1"]).await)).await;
}

#[tokio::test]
async fn the_performance_schema_tells_which_indexes_are_read() {
    let server = PrivateServer::mariadb(&["--performance-schema=ON"]).await;
    reads_are_counted(require!(server)).await;
}
