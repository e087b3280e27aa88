//! `assert_indexed!` fails where an index is missing, however small the table, and is silent where none is needed.

use std::panic::AssertUnwindSafe;

use entourage::{Database, dialect::Dialect, eager::Strategy, prelude::*, testing::assert_indexed};
use futures_util::FutureExt;

use crate::models::library::{AuthorRepository, BookRepository, author, create_library};

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "forests")]
#[entity(has_many(trees: Tree, foreign_key = forest_id))]
#[entity(has_many(paths: Path, foreign_key = forest_id))]
pub struct Forest {
    #[entity(primary_key)]
    pub id: i64,
    pub region: i64,
    pub name: String,
}

/// Its key has an index.
#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "trees")]
#[entity(belongs_to(forest: Forest))]
pub struct Tree {
    #[entity(primary_key)]
    pub id: i64,
    #[entity(index)]
    pub forest_id: i64,
    pub height: i64,
}

/// Its key has none.
#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "paths")]
#[entity(belongs_to(forest: Forest))]
pub struct Path {
    #[entity(primary_key)]
    pub id: i64,
    pub forest_id: i64,
}

async fn forests(db: &Database) {
    db.execute_script(
        "CREATE TABLE forests (id BIGINT NOT NULL PRIMARY KEY, region BIGINT NOT NULL, name VARCHAR(50) NOT NULL);
         CREATE TABLE trees (id BIGINT NOT NULL PRIMARY KEY, forest_id BIGINT NOT NULL, height BIGINT NOT NULL);
         CREATE INDEX trees_forest_id ON trees (forest_id);
         CREATE TABLE paths (id BIGINT NOT NULL PRIMARY KEY, forest_id BIGINT NOT NULL);
         INSERT INTO forests (id, region, name) VALUES (1, 1, 'Epping'), (2, 1, 'Dean'), (3, 2, 'Arden');
         INSERT INTO trees (id, forest_id, height) VALUES (1, 1, 20), (2, 1, 30), (3, 2, 10);
         INSERT INTO paths (id, forest_id) VALUES (1, 1), (2, 2)",
    )
    .await
    .unwrap();
}

/// The text with which `future` panics.
async fn failure(future: impl Future) -> String {
    let panic = match AssertUnwindSafe(future).catch_unwind().await {
        Ok(_) => panic!("it does not fail"),
        Err(panic) => panic,
    };
    *panic.downcast::<String>().unwrap()
}

pub async fn a_missing_index_is_found(db: &Database) {
    forests(db).await;
    let by_region = || ForestRepository::new(db).filter(Forest::REGION.eq(1));
    let text = failure(async { assert_indexed!(db, by_region().all().await.unwrap()) }).await;
    let start = "no index serves a statement: it reads all of `forests` to find rows by `region`\n  SELECT ";
    assert!(text.starts_with(start), "{text}");
    for part in [
        "\n  from tests/src/cases/indexed.rs:",
        "\n  fix: add `#[entity(index)]` to `Forest::region`, or `CREATE INDEX forests_region ON forests (region)`; \
         or `assert_indexed!(db, except = [\"forests\"], ..)`",
        "\n\nEXPLAIN",
        "FullScan of forests",
    ] {
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
    assert_indexed!(db, except = ["forests"], by_region().all().await.unwrap());
    // Once there is one, all is well, also in an order by which all rows could be read, and with few of them.
    db.execute_script("CREATE INDEX forests_region ON forests (region)")
        .await
        .unwrap();
    let found = assert_indexed!(db, by_region().all().await.unwrap());
    assert_eq!(found.len(), 2);
    let first = by_region().order_by(Forest::ID.asc()).limit(1);
    assert_indexed!(db, first.all().await.unwrap());
}

pub async fn keys_have_indexes(db: &Database) {
    forests(db).await;
    let all = || ForestRepository::new(db).query();
    for strategy in [Strategy::Joined, Strategy::Batched, Strategy::Unified] {
        let trees = all().with(Forest::TREES).strategy(strategy);
        assert_indexed!(db, trees.all().await.unwrap());
        let back = TreeRepository::new(db).query().with(Tree::FOREST);
        assert_indexed!(db, back.strategy(strategy).all().await.unwrap());
    }
    assert_indexed!(db, {
        ForestRepository::new(db).find(1).await.unwrap();
        ForestRepository::new(db)
            .find_many([1, 2, 3])
            .await
            .unwrap();
        ForestRepository::new(db)
            .filter(Forest::TREES.any(Tree::HEIGHT.gt(5)))
            .count()
            .await
    })
    .unwrap();
}

pub async fn a_missing_index_of_related_rows_is_found(db: &Database) {
    forests(db).await;
    for strategy in [Strategy::Joined, Strategy::Batched, Strategy::Unified] {
        let paths = || {
            ForestRepository::new(db)
                .query()
                .with(Forest::PATHS)
                .strategy(strategy)
        };
        let text = failure(async { assert_indexed!(db, paths().all().await.unwrap()) }).await;
        let start =
            "no index serves a statement: it reads all of `paths` to find rows by `forest_id`\n";
        assert!(text.starts_with(start), "{strategy:?}: {text}");
        assert!(
            text.contains("add `#[entity(index)]` to `Path::forest_id`"),
            "{strategy:?}: {text}"
        );
        assert_indexed!(db, except = ["paths"], paths().all().await.unwrap());
    }
}

pub async fn whole_tables_may_be_read_where_nothing_is_asked(db: &Database) {
    forests(db).await;
    let ordered = ForestRepository::new(db)
        .order_by(Forest::NAME.asc())
        .limit(2);
    assert_indexed!(db, ordered.all().await.unwrap());
    let sum = "SELECT f.name, sum(t.height) FROM forests f JOIN trees t ON t.forest_id = f.id GROUP BY f.name";
    assert_indexed!(
        db,
        db.sql(sum, args![])
            .fetch::<(String, Option<i64>)>()
            .await
            .map(drop)
    )
    .ok();
    assert_indexed!(
        db,
        db.sql("SELECT 1", args![])
            .fetch::<(i64,)>()
            .await
            .map(drop)
    )
    .ok();
    // Rows that are not marked as deleted are most rows.
    create_library(db).await;
    AuthorRepository::new(db)
        .insert(author("Ada"))
        .await
        .unwrap();
    assert_indexed!(db, BookRepository::new(db).query().all().await.unwrap());
}

pub async fn rows_that_exist_elsewhere_are_found_by_an_index(db: &Database) {
    forests(db).await;
    let wooded = || ForestRepository::new(db).filter(Forest::TREES.any(Tree::HEIGHT.gt(5)));
    assert_indexed!(db, wooded().all().await.unwrap());
    let exists = "SELECT f.id FROM forests AS f WHERE EXISTS (SELECT 1 FROM paths AS p WHERE p.forest_id = f.id)";
    let crossed = || db.sql(exists, args![]).fetch::<(i64,)>();
    let text = failure(async { assert_indexed!(db, crossed().await.unwrap()) }).await;
    assert!(
        text.contains("reads all of `paths` to find rows by `forest_id`"),
        "{text}"
    );
}

pub async fn raw_sql_is_looked_at_too(db: &Database) {
    forests(db).await;
    let tall = "SELECT t.id FROM forests AS f JOIN trees AS t ON t.forest_id = f.id WHERE f.id = ? AND t.height > ?";
    assert_indexed!(
        db,
        db.sql(tall, args![1, 25]).fetch::<(i64,)>().await.unwrap()
    );
    let tall = "SELECT id FROM trees AS t WHERE t.height > ?";
    let tall = || db.sql(tall, args![25]).fetch::<(i64,)>();
    let text = failure(async { assert_indexed!(db, tall().await.unwrap()) }).await;
    assert!(
        text.contains("reads all of `trees` to find rows by `height`"),
        "{text}"
    );
    assert!(
        text.contains("fix: `CREATE INDEX trees_height ON trees (height)`; or"),
        "{text}"
    );
    let crossed =
        "SELECT p.id FROM forests AS f JOIN paths AS p ON p.forest_id = f.region WHERE f.id = 1";
    let crossed = || db.sql(crossed, args![]).fetch::<(i64,)>();
    let text = failure(async { assert_indexed!(db, crossed().await.unwrap()) }).await;
    assert!(
        text.contains("reads all of `paths` to find rows by `forest_id`"),
        "{text}"
    );
}

pub async fn an_error_of_the_block_comes_out_as_it_is(db: &Database) {
    forests(db).await;
    let asked = async {
        assert_indexed!(db, {
            ForestRepository::new(db)
                .filter(Forest::REGION.eq(1))
                .all()
                .await?;
            ForestRepository::new(db).get(7).await?
        });
        Ok::<_, entourage::Error>(())
    };
    assert!(asked.await.unwrap_err().is_not_found());
    let both = async {
        assert_indexed!(
            db,
            async {
                ForestRepository::new(db)
                    .filter(Forest::REGION.eq(1))
                    .all()
                    .await?;
                ForestRepository::new(db).get(7).await
            }
            .await
        )
    };
    let text = failure(both).await;
    assert!(text.starts_with("the block failed: "), "{text}");
    assert!(
        text.contains("and so did the assertion: no index serves"),
        "{text}"
    );
    // Nothing of the asking is a statement of the program's.
    let scope = entourage::observe::Scope::new();
    scope
        .run(async { assert_indexed!(db, ForestRepository::new(db).find(1).await.unwrap()) })
        .await;
    assert_eq!(scope.count(), 1);
    assert!(db.dialect() != Dialect::Postgres || db.pool_stats().in_use == 0);
}
