//! How the database says that it runs what a query sends.

use entourage::{
    Database, ErrorKind,
    dialect::Dialect,
    eager::Strategy,
    explain::{NodeKind, PlanNode, QueryPlan, QueryPlans},
    observe::Recorded,
    prelude::*,
    statement::StatementKind,
};

use super::inspector::{Vault, VaultRepository};
use crate::models::{
    blog::*,
    library::{AuthorRepository, Book, BookRepository, NewBook, author, create_library},
};

/// The one plan of a query.
fn only(plans: QueryPlans) -> QueryPlan {
    assert_eq!(plans.len(), 1, "{plans}");
    plans.into_iter().next().unwrap()
}

/// The one step that reads `table`.
fn reading<'p>(plan: &'p QueryPlan, table: &str) -> &'p PlanNode {
    let of_table = |node: &&PlanNode| node.table.as_deref() == Some(table);
    plan.nodes()
        .find(of_table)
        .unwrap_or_else(|| panic!("nothing reads {table}:\n{plan}\n{}", plan.text))
}

/// What was sent, but for BEGIN and its like.
fn sent(run: Vec<Recorded>) -> Vec<Recorded> {
    run.into_iter()
        .filter(|run| run.kind != StatementKind::Transaction)
        .collect()
}

pub async fn a_plan_says_how_rows_are_found(db: &Database) {
    let users = seed(db).await.unwrap();
    let by_key = UserRepository::new(db).filter(User::ID.eq(users[0].id));
    let plan = only(by_key.explain().await.unwrap());
    let node = reading(&plan, "users");
    assert_eq!(node.kind, NodeKind::PrimaryKey, "{plan}");
    assert_eq!(plan.full_scans().count(), 0, "{plan}");
    assert!(plan.sql.starts_with("SELECT "), "{}", plan.sql);
    assert!(plan.call_site.file().ends_with("explain.rs"));
    assert!(plan.command.starts_with("EXPLAIN"), "{}", plan.command);
    assert!(plan.to_string().contains("PrimaryKey of users"), "{plan}");

    let by_mail = UserRepository::new(db).filter(User::EMAIL.eq("ada@example.org"));
    let plan = only(by_mail.explain().await.unwrap());
    assert_eq!(
        reading(&plan, "users").kind,
        NodeKind::IndexSearch,
        "{plan}"
    );
    assert_eq!(plan.indexes().len(), 1, "{plan}");

    let by_name = UserRepository::new(db).filter(User::NAME.eq("Ada"));
    let plan = only(by_name.explain().await.unwrap());
    let node = reading(&plan, "users");
    assert_eq!(node.kind, NodeKind::FullScan, "{plan}");
    assert_eq!(plan.full_scans().count(), 1, "{plan}");
    assert_eq!(plan.indexes(), [""; 0]);
    assert!(plan.execution.is_none() && node.measured.is_none());
    if db.dialect() == Dialect::Sqlite {
        assert_eq!((node.estimated_rows, &node.filter), (None, &None));
    } else {
        assert!(node.estimated_rows.unwrap() >= 1.0, "{plan}");
        assert!(node.filter.as_ref().unwrap().contains("Ada"), "{plan}");
    }
}

pub async fn a_plan_has_a_tree_of_steps(db: &Database) {
    seed(db).await.unwrap();
    let ordered = UserRepository::new(db).filter(User::NAME.ne("Bea"));
    let plan = only(
        ordered
            .order_by(User::NAME.asc())
            .limit(2)
            .explain()
            .await
            .unwrap(),
    );
    assert!(
        plan.nodes().any(|node| node.kind == NodeKind::Sort),
        "{plan}"
    );
    let joined = PostRepository::new(db)
        .query()
        .with(Post::AUTHOR)
        .strategy(Strategy::Joined);
    let plan = only(joined.explain().await.unwrap());
    assert_eq!(reading(&plan, "posts").alias, None);
    assert!(
        plan.nodes()
            .any(|node| node.table.as_deref() == Some("users")),
        "{plan}"
    );
    // A table by another name is still called by its own.
    let aliased = db.sql("SELECT u.name FROM users AS u WHERE u.id = ?", args![1]);
    let plan = aliased.explain().await.unwrap();
    let node = reading(&plan, "users");
    assert_eq!(node.alias.as_deref(), Some("u"), "{plan}");
}

pub async fn a_plan_is_asked_for_and_nothing_is_run(db: &Database) {
    seed(db).await.unwrap();
    let scope = entourage::observe::Scope::new();
    let recording = db.recorded();
    let users = UserRepository::new(db).filter(User::NAME.eq("Ada"));
    scope.run(users.explain()).await.unwrap();
    assert_eq!(scope.count(), 0, "it is no statement of the program's");
    let sent = sent(recording.statements());
    let [asked] = sent.as_slice() else {
        panic!("{sent:?}")
    };
    assert_eq!(asked.kind, StatementKind::Explain);
    assert!(asked.sql.starts_with("EXPLAIN "), "{}", asked.sql);
    assert_ne!(asked.prepared, Some(true));
    assert_eq!(asked.call_site.file(), file!());
}

pub async fn every_statement_of_a_load_has_its_plan(db: &Database) {
    seed(db).await.unwrap();
    let load = |strategy| {
        UserRepository::new(db)
            .query()
            .with(User::POSTS.with(Post::COMMENTS))
            .strategy(strategy)
    };
    let scope = entourage::observe::Scope::new();
    let plans = scope.run(load(Strategy::Batched).explain()).await.unwrap();
    let tables: Vec<_> = ["users", "posts", "comments"].into();
    let read: Vec<_> = plans
        .iter()
        .map(|plan| {
            let named = |table: &&&str| plan.sql.contains(&format!("FROM {}", quoted(db, table)));
            *tables.iter().find(named).unwrap()
        })
        .collect();
    assert_eq!(read, tables, "{plans}");
    assert_eq!(scope.count(), 0, "what it reads is not the program's");
    assert_eq!(
        only(load(Strategy::Unified).explain().await.unwrap()).dialect,
        db.dialect()
    );
    // Of users without posts nothing more is asked.
    let none = load(Strategy::Batched).filter(User::NAME.eq("Cleo"));
    assert_eq!(none.explain().await.unwrap().len(), 2);
}

fn quoted(db: &Database, name: &str) -> String {
    match db.dialect() {
        Dialect::Mysql => format!("`{name}`"),
        _ => format!("\"{name}\""),
    }
}

pub async fn a_measured_plan_has_rows_and_times(db: &Database) {
    seed(db).await.unwrap();
    let scope = entourage::observe::Scope::new();
    let users = UserRepository::new(db).filter(User::NAME.ne("Bea"));
    let plan = only(scope.run(users.explain_analyze()).await.unwrap());
    assert!(plan.execution.is_some(), "{plan}");
    assert_eq!(plan.rows, Some(2), "{plan}");
    assert_eq!(scope.count(), 0);
    let node = reading(&plan, "users");
    if db.dialect() == Dialect::Sqlite {
        assert_eq!(node.measured, None);
    } else {
        let measured = node.measured.unwrap();
        assert_eq!((measured.rows, measured.loops), (2.0, 1.0), "{plan}");
        assert_eq!(measured.removed, Some(1.0), "{plan}");
        assert!(plan.planning.is_some() && measured.time.is_some(), "{plan}");
        assert!(
            plan.to_string().contains("gave 2 rows, left out 1"),
            "{plan}"
        );
    }
    let graphs = UserRepository::new(db)
        .query()
        .with(User::POSTS)
        .strategy(Strategy::Batched);
    let plans = graphs.explain_analyze().await.unwrap();
    assert_eq!(plans.len(), 2);
    assert!(plans.iter().all(|plan| plan.execution.is_some()), "{plans}");
    if db.dialect() != Dialect::Mysql {
        let rows: Vec<_> = plans.iter().map(|plan| plan.rows).collect();
        assert_eq!(rows, [Some(3), Some(4)], "{plans}");
    }
}

pub async fn raw_sql_has_a_plan_without_its_values(db: &Database) {
    seed(db).await.unwrap();
    let sql = "SELECT id FROM users WHERE name = 'open sesame' AND age = ?";
    let read = || db.sql(sql, args![471_108]);
    for plan in [
        read().explain().await.unwrap(),
        read().explain_analyze().await.unwrap(),
    ] {
        assert_eq!(reading(&plan, "users").kind, NodeKind::FullScan, "{plan}");
        let shown = format!("{plan}{plan:?}");
        assert!(
            !shown.contains("sesame") && !shown.contains("471108"),
            "{shown}"
        );
    }
    let error = db.sql("SELECT nothing FROM users", args![]).explain().await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Syntax);
}

pub async fn a_plan_shows_no_value_of_a_sensitive_column(db: &Database) {
    db.create_schema::<(Vault,)>().await.unwrap();
    let vaults = || VaultRepository::new(db).filter(Vault::SECRET.eq("open sesame"));
    let shown = format!("{:?}", vaults().explain().await.unwrap());
    assert!(
        shown.contains("vaults") && !shown.contains("sesame"),
        "{shown}"
    );
    let shown = format!("{:?}", vaults().explain_analyze().await.unwrap());
    assert!(!shown.contains("sesame"), "{shown}");
    // A value of another column may be seen.
    let one = VaultRepository::new(db).filter(Vault::ID.eq(471_108));
    let plans = one.explain().await.unwrap();
    if db.dialect() == Dialect::Postgres {
        assert!(plans.to_string().contains("471108"), "{plans}");
    }
}

pub async fn what_writes_is_explained_and_not_measured(db: &Database) {
    let users = seed(db).await.unwrap();
    let rename = UserRepository::new(db)
        .filter(User::NAME.eq("Ada"))
        .set(User::NAME.to("Eve"));
    let plan = rename.explain().await.unwrap();
    assert_eq!(reading(&plan, "users").table.as_deref(), Some("users"));
    assert_eq!(plan.full_scans().count(), 1, "{plan}");
    let delete = || db.sql("DELETE FROM users WHERE id = ?", args![users[2].id]);
    // SQLite also tells how it looks for rows that point to the one that goes.
    let plan = delete().explain().await.unwrap();
    assert_ne!(reading(&plan, "users").kind, NodeKind::FullScan, "{plan}");

    let error = delete().explain_analyze().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.hint().unwrap().contains("`.explain()`"), "{error}");
    // `EXPLAIN ANALYZE DELETE ..` would run it.
    for text in [
        "ANALYZE DELETE FROM users",
        "EXPLAIN DELETE FROM users",
        "/* SELECT */ ANALYZE DELETE FROM users",
        "EXPLAIN ANALYZE DELETE FROM users",
        "PRAGMA user_version",
    ] {
        let error = db.sql(text, args![]).explain().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{text}");
    }
    let names = UserRepository::new(db).order_by(User::ID.asc()).all().await;
    assert_eq!(names.unwrap(), users, "nothing was written");
}

pub async fn a_plan_is_asked_inside_its_transaction(db: &Database) {
    seed(db).await.unwrap();
    let tx = db.begin().await.unwrap();
    let within = tx.clone();
    let users = UserRepository::new(&within);
    let dora = users.insert(user("Dora")).await.unwrap();
    PostRepository::new(&tx)
        .insert(post(&dora, "New", 1))
        .await
        .unwrap();
    let recording = db.recorded();
    let graphs = users
        .filter(User::NAME.eq("Dora"))
        .with(User::POSTS)
        .strategy(Strategy::Batched);
    // The second statement is asked about because the row of the first is seen.
    assert_eq!(graphs.explain().await.unwrap().len(), 2);
    let count = tx.sql("SELECT count(*) FROM users", args![]);
    let measured = count.explain_analyze().await.unwrap();
    assert_eq!(measured.call_site.file(), file!());
    assert!(recording.statements().iter().all(|run| run.in_transaction));
    tx.rollback().await.unwrap();
    assert_eq!(UserRepository::new(db).query().count().await.unwrap(), 3);
}

pub async fn plans_are_not_taken_from_the_cache_nor_kept(db: &Database) {
    create_library(db).await;
    let authors = AuthorRepository::new(db);
    let ada = authors.insert(author("Ada")).await.unwrap();
    let books = BookRepository::new(db);
    books
        .insert(NewBook::new(ada.id, "Notes".into()))
        .await
        .unwrap();
    // The author of each book is taken from the cache, if it is there.
    let graphs = || books.query().with(Book::AUTHOR).strategy(Strategy::Batched);
    for _ in 0..2 {
        assert_eq!(graphs().explain().await.unwrap().len(), 2);
        graphs().explain_analyze().await.unwrap();
    }
    let figures = db.cache().stats().entity("Author");
    assert_eq!((figures.hits, figures.misses), (0, 0), "{figures:?}");
    authors.find(ada.id).await.unwrap();
    graphs().explain().await.unwrap();
    let recording = db.recorded();
    authors.find(ada.id).await.unwrap();
    assert_eq!(recording.statements().len(), 0, "what was kept still is");
}
