//! Statements compared with a file that is committed.
use entourage::testing::*;

use super::theatre::{database, failure, planted, seed, sound};

#[tokio::test]
async fn the_statements_are_those_of_the_file() {
    let db = database().await;
    seed(&db, 3).await.unwrap();
    let posts = assert_same_queries!(db, "sound", sound(&db).await.unwrap());
    assert_eq!(posts, 6);
}

/// Run against a scratch copy, so that nothing is written beside the committed files.
#[tokio::test]
async fn other_statements_are_shown_line_by_line() {
    let db = database().await;
    seed(&db, 3).await.unwrap();
    let folder = std::env::temp_dir().join(format!("entourage-snapshot-{}", std::process::id()));
    let queries = folder.join("queries");
    std::fs::create_dir_all(&queries).unwrap();
    std::fs::write(folder.join("test.rs"), "").unwrap();
    let committed = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/observe/queries/sound.sql"
    ))
    .unwrap();
    std::fs::write(queries.join("page.sql"), &committed).unwrap();
    let snapshot = |name| Snapshot::new(folder.to_str().unwrap(), "test.rs", name);
    let scope = entourage::observe::Scope::only(db.observers());
    scope.run(sound(&db)).await.unwrap();
    snapshot("page").check(&scope, None);
    scope.clear();
    scope.run(planted(&db)).await.unwrap();
    let differs = failure(async { snapshot("page").check(&scope, None) }).await;
    assert!(
        differs.starts_with("the statements are not those of "),
        "{differs}"
    );
    assert!(differs.contains("ENTOURAGE_UPDATE_QUERIES=1"), "{differs}");
    assert!(differs.contains("; -- 3 times\n"), "{differs}");
    let missing = failure(async { snapshot("missing").check(&scope, None) }).await;
    assert!(missing.starts_with("there is no "), "{missing}");
    let failed =
        failure(async { snapshot("page").check(&scope, Some("no such table".into())) }).await;
    assert_eq!(failed, "the block failed: no such table");
    std::fs::remove_dir_all(&folder).unwrap();
}
