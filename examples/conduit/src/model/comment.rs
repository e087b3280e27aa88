//! Comments on articles.
use chrono::{DateTime, Utc};
use entourage::{Database, prelude::*};

use super::{
    article::{self, Article},
    user::{self, Person, User},
};
use crate::{error::Error, input::Checks};

/// What somebody says about an article.
#[derive(Debug, Clone, Entity)]
#[entity(table = "comments")]
#[entity(belongs_to(article: Article, on_delete = cascade))]
#[entity(belongs_to(author: User, on_delete = cascade))]
pub struct Comment {
    /// The key.
    #[entity(primary_key, generated)]
    pub id: i64,
    /// The article.
    #[entity(index)]
    pub article_id: i64,
    /// Who says it.
    #[entity(index)]
    pub author_id: i64,
    /// The text.
    pub body: String,
    /// When it was written.
    #[entity(created_at)]
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    #[entity(updated_at)]
    pub updated_at: DateTime<Utc>,
}

/// A comment with its author.
#[derive(Debug, Clone, Shape)]
#[shape(entity = Comment)]
pub struct Remark {
    /// The key.
    pub id: i64,
    /// The text.
    pub body: String,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
    /// Who says it.
    #[shape(relation)]
    pub author: Person,
}

/// A comment as somebody sees it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The comment.
    pub remark: Remark,
    /// Whether the viewer follows its author.
    pub following: bool,
}

const LONGEST_BODY: usize = 10_000;

/// The comments on an article, the newest first.
///
/// # Errors
/// 404 if there is no such article.
pub async fn of_article(
    db: &Database,
    viewer: Option<i64>,
    slug: &str,
) -> Result<Vec<Seen>, Error> {
    let article = article::key(db, slug).await?;
    let remarks = CommentRepository::new(db)
        .shape::<Remark>()
        .filter(Comment::ARTICLE_ID.eq(article.id))
        .order_by(Comment::ID.desc())
        .all()
        .await?;
    let authors = remarks.iter().map(|remark| remark.author.id);
    let followed = user::followed_of(db, viewer, authors).await?;
    let seen = |remark: Remark| Seen {
        following: followed.contains(&remark.author.id),
        remark,
    };
    Ok(remarks.into_iter().map(seen).collect())
}

/// Adds a comment.
///
/// # Errors
/// 422 for an empty text, 404 if there is no such article.
pub async fn add(
    db: &Database,
    viewer: i64,
    slug: &str,
    body: Option<String>,
) -> Result<Seen, Error> {
    let mut checks = Checks::default();
    let body = checks.required("body", body, LONGEST_BODY);
    checks.finish()?;
    let article = article::key(db, slug).await?;
    let new = NewComment {
        article_id: article.id,
        author_id: viewer,
        body,
    };
    let comments = CommentRepository::new(db);
    let added = comments.insert(new).await?;
    let own = comments.shape::<Remark>().filter(Comment::ID.eq(added.id));
    Ok(Seen {
        remark: own.one().await?,
        following: false,
    })
}

/// Removes a comment of one's own.
///
/// # Errors
/// 404 if the article has no such comment, 403 if it is somebody else's.
pub async fn remove(db: &Database, viewer: i64, slug: &str, id: i64) -> Result<(), Error> {
    let comments = CommentRepository::new(db);
    let wanted = Comment::ID
        .eq(id)
        .and(Comment::ARTICLE.through(Article::SLUG).eq(slug));
    let comment = comments.filter(wanted).one().await?;
    if comment.author_id != viewer {
        return Err(Error::forbidden("comment"));
    }
    comments.delete(id).await?;
    Ok(())
}
