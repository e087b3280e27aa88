//! Views: read like entities, made, dropped and compared, and refreshed where their rows are kept.

use std::time::Duration;

use entourage::{
    Database, ErrorKind,
    dialect::Dialect,
    prelude::*,
    refresher::{Refresher, RefresherBuilder, Schedule},
    statement::StatementKind,
};
use futures_util::TryStreamExt;

use super::counted::counted;
use crate::models::views::*;

const MINUTE: Duration = Duration::from_secs(60);

async fn words(db: &Database, author: &Author) -> Option<i64> {
    let figures = AuthorFiguresRepository::new(db).find(author.id);
    figures.await.unwrap().map(|figures| figures.words)
}

pub async fn a_view_is_read_like_an_entity(db: &Database) {
    let authors = seed(db).await.unwrap();
    let long = LongArticleRepository::new(db);
    let titles =
        |rows: Vec<LongArticle>| -> Vec<String> { rows.into_iter().map(|row| row.title).collect() };
    let by_title = || long.order_by(LongArticle::TITLE.desc());
    assert_eq!(
        titles(counted(db, 1, by_title().all()).await),
        ["Gardens", "Engines"]
    );
    let longer = long.filter(LongArticle::WORDS.gt(1500));
    assert_eq!(titles(longer.all().await.unwrap()), ["Gardens"]);
    assert_eq!(long.query().count().await.unwrap(), 2);
    let page = by_title().page(Page::first(1)).await.unwrap();
    assert_eq!(page.items[0].title, "Gardens");
    let key = by_title().first().await.unwrap().unwrap().id;
    assert_eq!(long.get(key).await.unwrap().title, "Gardens");
    // From a view to an entity, and from an entity to a view.
    let with_author = counted(db, 1, by_title().with(LongArticle::AUTHOR).all()).await;
    assert_eq!(with_author[0].get(LongArticle::AUTHOR).name, "Bea");
    db.refresh::<AuthorFigures>().await.unwrap();
    for strategy in super::counted::STRATEGIES {
        let query = AuthorRepository::new(db)
            .order_by(Author::ID.asc())
            .with(Author::FIGURES)
            .with(Author::LONG_ARTICLES.count())
            .strategy(strategy);
        let rows = query.all().await.unwrap();
        let figures = rows.iter().map(|row| row.get(Author::FIGURES).as_ref());
        let words: Vec<_> = figures
            .map(|figures| figures.map(|figures| figures.words))
            .collect();
        assert_eq!(words, [Some(1800), Some(2000), None], "{strategy:?}");
    }
    let prolific = Author::FIGURES.any(AuthorFigures::ARTICLES.ge(2));
    let prolific = AuthorRepository::new(db)
        .filter(prolific)
        .one()
        .await
        .unwrap();
    assert_eq!(prolific, authors[0]);
    let titles = LongTitleRepository::new(db).query().count();
    assert_eq!(titles.await.unwrap(), 2);
}

pub async fn a_materialized_view_is_as_old_as_its_refresh(db: &Database) {
    let authors = seed(db).await.unwrap();
    assert_eq!(words(db, &authors[0]).await, None);
    let recording = db.recorded();
    let report = db.refresh::<AuthorFigures>().await.unwrap();
    let sent: Vec<_> = recording
        .statements()
        .into_iter()
        .filter(|sent| sent.kind == StatementKind::Refresh)
        .collect();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].kind.operation_name(), "REFRESH");
    let text = match db.dialect() {
        Dialect::Postgres => "REFRESH MATERIALIZED VIEW \"author_figures\"",
        Dialect::Sqlite => {
            "INSERT INTO \"author_figures\" (\"author_id\", \"articles\", \"words\", \"last_title\") SELECT"
        }
        Dialect::Mysql => {
            "INSERT INTO `author_figures` (`author_id`, `articles`, `words`, `last_title`) SELECT"
        }
    };
    assert!(sent[0].sql.starts_with(text), "{}", sent[0].sql);
    let statements = if db.dialect() == Dialect::Postgres {
        3
    } else {
        4
    };
    assert_eq!(recording.count(), statements);
    drop(recording);
    let counts = db.dialect() != Dialect::Postgres;
    assert_eq!(report.rows, counts.then_some(2));
    assert_eq!(words(db, &authors[0]).await, Some(1800));
    let figures = AuthorFiguresRepository::new(db).get(authors[0].id).await;
    assert_eq!(figures.unwrap().last_title.as_deref(), Some("Looms"));
    let articles = ArticleRepository::new(db);
    articles
        .insert(article(&authors[0], "Notes", 7))
        .await
        .unwrap();
    assert_eq!(words(db, &authors[0]).await, Some(1800));
    db.refresh::<AuthorFigures>().concurrently().await.unwrap();
    assert_eq!(words(db, &authors[0]).await, Some(1807));
    AuthorRepository::new(db)
        .delete(authors[0].id)
        .await
        .unwrap();
    db.refresh::<AuthorFigures>().await.unwrap();
    assert_eq!(words(db, &authors[0]).await, None);
}

pub async fn a_refresh_belongs_to_its_transaction(db: &Database) {
    let authors = seed(db).await.unwrap();
    let tx = db.begin().await.unwrap();
    let late = article(&authors[2], "Late", 10);
    ArticleRepository::new(&tx)
        .insert(late.clone())
        .await
        .unwrap();
    tx.refresh::<AuthorFigures>().await.unwrap();
    let inside = AuthorFiguresRepository::new(&tx).get(authors[2].id).await;
    assert_eq!(inside.unwrap().words, 10);
    tx.rollback().await.unwrap();
    assert_eq!(words(db, &authors[2]).await, None);
    assert_eq!(db.view_state::<AuthorFigures>().await.unwrap().refreshes, 1);
    let tx = db.begin().await.unwrap();
    ArticleRepository::new(&tx).insert(late).await.unwrap();
    tx.refresh::<AuthorFigures>().await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(words(db, &authors[2]).await, Some(10));
    assert_eq!(db.view_state::<AuthorFigures>().await.unwrap().refreshes, 2);
}

pub async fn a_view_that_is_there_stays_or_is_made_anew(db: &Database) {
    let authors = seed(db).await.unwrap();
    db.refresh::<AuthorFigures>().await.unwrap();
    db.create_schema::<Press>().await.unwrap();
    assert_eq!(words(db, &authors[0]).await, Some(1800));
    assert_eq!(db.view_state::<AuthorFigures>().await.unwrap().refreshes, 2);
    let report = db.check_schema::<Press>().await.unwrap();
    assert!(report.is_clean(), "{report}");
    db.drop_view::<AuthorFigures>().await.unwrap();
    db.drop_view::<AuthorFigures>().await.unwrap();
    let state = db.view_state::<AuthorFigures>().await.unwrap();
    assert_eq!((state.refreshed_at, state.is_stale()), (None, true));
    db.create_view::<AuthorFigures>().await.unwrap();
    assert_eq!(words(db, &authors[0]).await, Some(1800));
    db.drop_schema::<Press>().await.unwrap();
    let report = db.check_schema::<Press>().await.unwrap();
    assert_eq!(
        report
            .drifts()
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        [
            "table `authors` of `Author` is missing",
            "table `articles` of `Article` is missing",
            "view `long_articles` of `LongArticle` is missing",
            "view `long_titles` of `LongTitle` is missing",
            "view `author_figures` of `AuthorFigures` is missing",
        ]
    );
    for text in report.ddl() {
        db.execute_script(text)
            .await
            .unwrap_or_else(|error| panic!("{error}: {text}"));
    }
    let report = db.check_schema::<Press>().await.unwrap();
    assert!(report.is_clean(), "{report}");
}

pub async fn a_view_that_differs_is_reported_and_mended(db: &Database) {
    seed(db).await.unwrap();
    let lines = async || -> Vec<String> {
        let report = db.check_schema::<Press>().await.unwrap();
        report.drifts().iter().map(ToString::to_string).collect()
    };
    let other = "CREATE VIEW long_titles AS SELECT id FROM long_articles";
    db.drop_view::<LongTitle>().await.unwrap();
    db.execute_script(other).await.unwrap();
    assert_eq!(lines().await, ["column `long_titles.title` is missing"]);
    let report = db.check_schema::<Press>().await.unwrap();
    db.execute_script(report.ddl()[0]).await.unwrap();
    assert_eq!(lines().await, [""; 0]);
    let index = match db.dialect() {
        Dialect::Mysql => "DROP INDEX author_figures_words_idx ON author_figures",
        Dialect::Sqlite | Dialect::Postgres => "DROP INDEX author_figures_words_idx",
    };
    db.execute_script(index).await.unwrap();
    assert_eq!(
        lines().await,
        ["index on `author_figures (words)` is missing"]
    );
    let report = db.check_schema::<Press>().await.unwrap();
    db.execute_script(report.ddl()[0]).await.unwrap();
    assert_eq!(lines().await, [""; 0]);
    db.drop_view::<AuthorFigures>().await.unwrap();
    let (create, found) = match db.dialect() {
        Dialect::Postgres => (
            "CREATE TABLE",
            "`author_figures` is a table, but `AuthorFigures` should be a materialized view",
        ),
        Dialect::Sqlite | Dialect::Mysql => (
            "CREATE VIEW",
            "`author_figures` is a view, but `AuthorFigures` should be a table",
        ),
    };
    let other = "author_figures AS SELECT author_id, id AS articles, id AS words, title AS last_title FROM articles";
    db.execute_script(&format!("{create} {other}"))
        .await
        .unwrap();
    assert!(
        lines().await.contains(&found.to_owned()),
        "{:?}",
        lines().await
    );
}

/// The view with another query.
#[derive(Debug, Clone, View)]
#[view(name = "author_figures", materialized, reads(Article))]
#[view(
    query = "SELECT author_id, 0 AS articles, 7 AS words, MIN(title) AS last_title FROM articles GROUP BY author_id"
)]
pub struct OtherFigures {
    #[view(primary_key)]
    pub author_id: i64,
    pub articles: i64,
    #[view(index)]
    pub words: i64,
    #[view(length = 50)]
    pub last_title: Option<String>,
}

pub async fn a_query_that_was_changed_is_found(db: &Database) {
    let authors = seed(db).await.unwrap();
    let report = db
        .check_schema::<(Author, Article, OtherFigures)>()
        .await
        .unwrap();
    assert_eq!(
        report
            .drifts()
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        ["view `author_figures` was made with another query than `OtherFigures` has"]
    );
    db.refresh::<OtherFigures>().await.unwrap();
    let report = db.check_schema::<OtherFigures>().await.unwrap();
    // PostgreSQL fills by the query that the view was made with.
    assert_eq!(report.is_clean(), db.dialect() != Dialect::Postgres);
    for text in report.ddl() {
        db.execute_script(text)
            .await
            .unwrap_or_else(|error| panic!("{error}: {text}"));
    }
    let report = db.check_schema::<OtherFigures>().await.unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!(words(db, &authors[0]).await, Some(7));
}

/// A tag of articles, with a view in between.
#[derive(Debug, Clone, Entity)]
#[entity(table = "labels", many_to_many(articles: Article, through = Labelled, from_key = label_id, to_key = id))]
pub struct Label {
    #[entity(primary_key)]
    pub id: i64,
}

#[derive(Debug, Clone, View)]
#[view(name = "labelled", reads(Article))]
#[view(query = "SELECT id, author_id AS label_id FROM articles")]
pub struct Labelled {
    #[view(primary_key)]
    pub id: i64,
    pub label_id: i64,
}

pub async fn a_view_in_between_is_read_and_not_written(db: &Database) {
    let authors = seed(db).await.unwrap();
    db.create_schema::<(Label, Article, Labelled)>()
        .await
        .unwrap();
    let labels = LabelRepository::new(db);
    labels.insert(NewLabel { id: authors[0].id }).await.unwrap();
    let label = labels.with(Label::ARTICLES).one().await.unwrap();
    assert_eq!(label.get(Label::ARTICLES).len(), 2);
    let recording = db.recorded();
    let error = labels
        .link(Label::ARTICLES, label.id, [1])
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidQuery);
    assert!(
        error
            .to_string()
            .contains("`Labelled` is a view and cannot be written"),
        "{error}"
    );
    let error = labels
        .unlink(Label::ARTICLES, label.id, [1])
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidQuery);
    assert_eq!(recording.count(), 0);
}

#[derive(Debug, Clone, PartialEq, Shape)]
#[shape(entity = LongArticle)]
struct Title {
    title: String,
    #[shape(through = author, column = Author::NAME)]
    by: String,
}

pub async fn a_view_has_shapes_and_streams(db: &Database) {
    seed(db).await.unwrap();
    let long = LongArticleRepository::new(db);
    let by_title = || long.order_by(LongArticle::TITLE.asc());
    let titles: Vec<Title> = by_title().shape::<Title>().all().await.unwrap();
    let title = |title: &str, by: &str| Title {
        title: title.into(),
        by: by.into(),
    };
    assert_eq!(titles, [title("Engines", "Ada"), title("Gardens", "Bea")]);
    let streamed: Vec<LongArticle> = by_title().stream().try_collect().await.unwrap();
    assert_eq!(streamed.len(), 2);
}

pub async fn a_view_that_was_made_by_hand_is_refreshed(db: &Database) {
    let authors = seed(db).await.unwrap();
    db.execute_script("DROP TABLE entourage_views")
        .await
        .unwrap();
    let state = db.view_state::<AuthorFigures>().await.unwrap();
    assert_eq!((state.refreshed_at, state.refreshes), (None, 0));
    let tx = db.begin().await.unwrap();
    let error = tx.refresh::<AuthorFigures>().await.unwrap_err();
    assert!(
        error.hint().unwrap().contains("`db.create_view`"),
        "{error}"
    );
    tx.rollback().await.unwrap();
    db.refresh::<AuthorFigures>().await.unwrap();
    assert_eq!(words(db, &authors[0]).await, Some(1800));
    assert_eq!(db.view_state::<AuthorFigures>().await.unwrap().refreshes, 1);
}

pub async fn a_refresh_beside_readers_says_what_it_needs(db: &Database) {
    seed(db).await.unwrap();
    db.drop_view::<AuthorFigures>().await.unwrap();
    let by_hand = "CREATE MATERIALIZED VIEW author_figures AS SELECT author_id, 1::bigint AS articles, \
        1::bigint AS words, title AS last_title FROM articles WITH NO DATA";
    db.execute_script(by_hand).await.unwrap();
    let concurrently = async || {
        let refreshed = db.refresh::<AuthorFigures>().concurrently().await;
        refreshed.unwrap_err().hint().unwrap().to_owned()
    };
    let hint = concurrently().await;
    assert!(hint.contains("it has no rows yet"), "{hint}");
    db.refresh::<AuthorFigures>().await.unwrap();
    let hint = concurrently().await;
    assert!(hint.contains("unique index"), "{hint}");
}

pub async fn only_a_view_that_keeps_rows_is_refreshed(db: &Database) {
    seed(db).await.unwrap();
    let recording = db.recorded();
    let error = db.refresh::<LongArticle>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidQuery);
    assert!(
        error.to_string().contains("`LongArticle` keeps no rows"),
        "{error}"
    );
    let error = db.view_state::<LongArticle>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidQuery);
    assert_eq!(recording.count(), 0);
}

pub async fn results_of_a_view_are_dropped_with_what_it_reads(db: &Database) {
    let authors = seed(db).await.unwrap();
    let (titles, figures) = (
        LongTitleRepository::new(db),
        AuthorFiguresRepository::new(db),
    );
    let long = || titles.query().cached(MINUTE).all();
    let kept = || figures.query().cached(MINUTE).all();
    assert_eq!(counted(db, 1, long()).await.len(), 2);
    assert_eq!(counted(db, 0, long()).await.len(), 2);
    assert_eq!(counted(db, 1, kept()).await.len(), 0);
    let articles = ArticleRepository::new(db);
    articles
        .insert(article(&authors[2], "Tides", 5000))
        .await
        .unwrap();
    assert_eq!(counted(db, 1, long()).await.len(), 3);
    // What is kept is as old as the view.
    assert_eq!(counted(db, 0, kept()).await.len(), 0);
    db.refresh::<AuthorFigures>().await.unwrap();
    assert_eq!(counted(db, 1, kept()).await.len(), 3);
    assert_eq!(counted(db, 0, long()).await.len(), 3);
    // An author takes her articles along.
    AuthorRepository::new(db)
        .delete(authors[1].id)
        .await
        .unwrap();
    assert_eq!(counted(db, 1, long()).await.len(), 2);
}

/// Its name is that of what it reads, elsewhere.
#[derive(Debug, Clone, View)]
#[view(name = "articles", schema = "reporting", materialized, reads(Article))]
#[view(query = "SELECT id FROM articles")]
pub struct ReportedArticle {
    #[view(primary_key)]
    pub id: i64,
}

pub async fn a_refresher_that_would_never_rest_is_refused(db: &Database) {
    let refused = |builder: RefresherBuilder| {
        let error = builder.start().map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error:?}");
        let text = error.to_string();
        assert!(text.contains("cases/views.rs"), "{text}");
        text
    };
    let none = refused(Refresher::builder(db));
    assert!(none.contains("has no views"), "{none}");
    let second = Duration::from_secs(1);
    let after = Schedule::every(second).or_after_writes(second, second);
    let own = refused(Refresher::builder(db).view::<ReportedArticle>(after));
    assert!(own.contains("looks like a write to `articles`"), "{own}");
    assert!(own.contains("`Schedule::every(..)`"), "{own}");
    let hourly = Schedule::every(MINUTE * 60);
    let refresher = Refresher::builder(db).view::<ReportedArticle>(hourly);
    drop(refresher.start().unwrap());
}

pub async fn a_view_that_was_dropped_by_hand_is_filled_when_it_is_made(db: &Database) {
    seed(db).await.unwrap();
    db.refresh::<AuthorFigures>().await.unwrap();
    let drop = match db.dialect() {
        Dialect::Postgres => "DROP MATERIALIZED VIEW author_figures",
        Dialect::Sqlite | Dialect::Mysql => "DROP TABLE author_figures",
    };
    db.execute_script(drop).await.unwrap();
    db.create_schema::<Press>().await.unwrap();
    let figures = AuthorFiguresRepository::new(db);
    assert_eq!(figures.query().count().await.unwrap(), 2);
}

pub async fn a_view_knows_how_old_it_is(db: &Database) {
    let authors = seed(db).await.unwrap();
    let state = db.view_state::<AuthorFigures>().await.unwrap();
    // It was filled before this handle began to watch.
    assert_eq!((state.sources_written, state.refreshes), (None, 1));
    let report = db.refresh::<AuthorFigures>().await.unwrap();
    let state = counted(db, 1, db.view_state::<AuthorFigures>()).await;
    assert_eq!(state.sources_written, Some(false));
    assert!(!state.is_stale());
    assert_eq!(state.rows, report.rows);
    let at = state.refreshed_at.unwrap().timestamp_micros();
    assert_eq!(at, report.refreshed_at.timestamp_micros());
    assert!(state.age().unwrap() < MINUTE && state.took.unwrap() < MINUTE);
    // A write that was taken back is none.
    let tx = db.begin().await.unwrap();
    ArticleRepository::new(&tx)
        .insert(article(&authors[0], "No", 1))
        .await
        .unwrap();
    tx.rollback().await.unwrap();
    assert!(!db.view_state::<AuthorFigures>().await.unwrap().is_stale());
    // An insert of an author changes nothing, a delete takes articles along.
    let zoe = NewAuthor { name: "Zoe".into() };
    let zoe = AuthorRepository::new(db).insert(zoe).await.unwrap();
    assert!(!db.view_state::<AuthorFigures>().await.unwrap().is_stale());
    AuthorRepository::new(db).delete(zoe.id).await.unwrap();
    assert!(db.view_state::<AuthorFigures>().await.unwrap().is_stale());
    db.refresh::<AuthorFigures>().await.unwrap();
    let tx = db.begin().await.unwrap();
    ArticleRepository::new(&tx)
        .insert(article(&authors[0], "Yes", 1))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(db.view_state::<AuthorFigures>().await.unwrap().is_stale());
}
