//! Articles published, changed, removed, and made favorites.
//!
//! What reads before it writes does so in a transaction that locks the article's row, and is run again after a conflict.
use axum::http::StatusCode;
use entourage::{Database, Transaction, prelude::*, transaction::Retry};

use super::{Article, ArticlePatch, ArticleRepository, NewArticle, Seen, get, key};
use crate::{
    error::Error,
    input::Checks,
    model::{
        tag,
        user::{User, UserRepository},
    },
    slug,
};

/// An article as its author hands it in. For a change, what is `None` stays.
#[derive(Debug, Default, Clone)]
pub struct Draft {
    /// The title.
    pub title: Option<String>,
    /// What it is about.
    pub description: Option<String>,
    /// The text.
    pub body: Option<String>,
    /// The names of its tags in order.
    pub tags: Option<Vec<String>>,
}

const LONGEST_TITLE: usize = 200;
const LONGEST_DESCRIPTION: usize = 1_000;
const LONGEST_BODY: usize = 100_000;
const LONGEST_TAG: usize = 50;

/// Publishes an article.
///
/// # Errors
/// 422 for missing or overlong values.
pub async fn create(db: &Database, author: i64, draft: Draft) -> Result<Seen, Error> {
    let mut checks = Checks::default();
    let title = checks.required("title", draft.title, LONGEST_TITLE);
    let description = checks.required("description", draft.description, LONGEST_DESCRIPTION);
    let body = checks.required("body", draft.body, LONGEST_BODY);
    let tags = tag_names(&mut checks, draft.tags).unwrap_or_default();
    checks.finish()?;
    let new = NewArticle {
        author_id: author,
        slug: String::new(),
        title,
        description,
        body,
        views: None,
    };
    let (new, tags) = (&new, &tags);
    let publish = || {
        let publish = db.transaction().retry(Retry::default());
        publish.run(|tx| async move { insert(&tx, new.clone(), tags).await })
    };
    let slug = again_if_taken(publish).await?;
    get(db, Some(author), &slug).await
}

async fn insert(tx: &Transaction, mut new: NewArticle, tags: &[String]) -> Result<String, Error> {
    new.slug = free_slug(tx, &new.title).await?;
    let article = ArticleRepository::new(tx).insert(new).await?;
    tag::set(tx, article.id, tags).await?;
    Ok(article.slug)
}

/// Changes an article of one's own. A new title gives it a new slug.
///
/// # Errors
/// 422 for empty or overlong values, 404 if there is no such article, 403 if it is somebody else's.
pub async fn change(db: &Database, viewer: i64, slug: &str, draft: Draft) -> Result<Seen, Error> {
    let mut checks = Checks::default();
    let patch = ArticlePatch {
        title: checks.given("title", draft.title, LONGEST_TITLE),
        description: checks.given("description", draft.description, LONGEST_DESCRIPTION),
        body: checks.given("body", draft.body, LONGEST_BODY),
        ..ArticlePatch::default()
    };
    let tags = tag_names(&mut checks, draft.tags);
    checks.finish()?;
    let (patch, tags) = (&patch, tags.as_deref());
    let change = || {
        let change = db.transaction().retry(Retry::default());
        change.run(|tx| async move { update(&tx, viewer, slug, patch.clone(), tags).await })
    };
    let slug = again_if_taken(change).await?;
    get(db, Some(viewer), &slug).await
}

async fn update(
    tx: &Transaction,
    viewer: i64,
    slug: &str,
    mut patch: ArticlePatch,
    tags: Option<&[String]>,
) -> Result<String, Error> {
    let article = lock_own(tx, viewer, slug).await?;
    if let Some(title) = patch.title.as_deref()
        && title != article.title
    {
        patch.slug = Some(free_slug(tx, title).await?);
    }
    let changed = ArticleRepository::new(tx).patch(article.id, patch).await?;
    if let Some(tags) = tags {
        tag::set(tx, article.id, tags).await?;
    }
    Ok(changed.slug)
}

/// Removes an article of one's own, with its comments, tags and favorites.
///
/// # Errors
/// 404 if there is no such article, 403 if it is somebody else's.
pub async fn remove(db: &Database, viewer: i64, slug: &str) -> Result<(), Error> {
    let removed = db.transaction().retry(Retry::default());
    removed
        .run(|tx| async move {
            let article = lock_own(&tx, viewer, slug).await?;
            ArticleRepository::new(&tx).delete(article.id).await?;
            Ok(())
        })
        .await
}

/// Makes an article a favorite of `viewer`, or no longer one. Twice is as good as once.
///
/// # Errors
/// 404 if there is no such article.
pub async fn favorite(
    db: &Database,
    viewer: i64,
    slug: &str,
    favorite: bool,
) -> Result<Seen, Error> {
    let article = key(db, slug).await?;
    let users = UserRepository::new(db);
    if favorite {
        users.link(User::FAVORITES, viewer, [article.id]).await?;
    } else {
        users.unlink(User::FAVORITES, viewer, [article.id]).await?;
    }
    get(db, Some(viewer), slug).await
}

/// The viewer's article, which nobody else may change meanwhile.
async fn lock_own(tx: &Transaction, viewer: i64, slug: &str) -> Result<Article, Error> {
    let named = ArticleRepository::new(tx).filter(Article::SLUG.eq(slug));
    let article = named.for_update().one().await?;
    match article.author_id == viewer {
        true => Ok(article),
        false => Err(Error::forbidden("article")),
    }
}

/// Does the work, and once more if somebody else took the slug meanwhile: then it is seen to be taken.
async fn again_if_taken<F>(work: impl Fn() -> F) -> Result<String, Error>
where
    F: Future<Output = Result<String, Error>>,
{
    match work().await {
        Err(error) if error.status() == StatusCode::CONFLICT => work().await,
        done => done,
    }
}

/// A slug that no article has. If somebody takes it meanwhile, the unique index refuses the second.
async fn free_slug(tx: &Transaction, title: &str) -> Result<String, Error> {
    let slug = slug::of(title);
    let taken = ArticleRepository::new(tx).filter(Article::SLUG.eq(&slug));
    Ok(match taken.exists().await? {
        true => slug::made_unique(&slug),
        false => slug,
    })
}

/// Names without blanks around them, each once.
fn tag_names(checks: &mut Checks, tags: Option<Vec<String>>) -> Option<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for name in tags? {
        let name = checks.text("tagList", name, LONGEST_TAG);
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    Some(names)
}
