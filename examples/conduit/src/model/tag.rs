//! Tags, in the order in which an author gave them to an article.
use std::time::Duration;

use entourage::{Database, Transaction, prelude::*};

use super::article::Article;
use crate::error::Error;

/// A word that articles are found by.
#[derive(Debug, Clone, Entity)]
#[entity(table = "tags")]
#[entity(many_to_many(articles: Article, through = ArticleTag))]
#[entity(has_many(uses: ArticleTag))]
pub struct Tag {
    /// The key.
    #[entity(primary_key, generated)]
    pub id: i64,
    /// The word.
    #[entity(unique, length = 50)]
    pub name: String,
}

/// A tag of an article.
#[derive(Debug, Clone, Entity)]
#[entity(table = "article_tags")]
#[entity(belongs_to(article: Article, on_delete = cascade), belongs_to(tag: Tag, on_delete = cascade))]
pub struct ArticleTag {
    /// The article.
    #[entity(primary_key)]
    pub article_id: i64,
    /// The tag.
    #[entity(primary_key, index)]
    pub tag_id: i64,
    /// Its place in the article's list.
    pub position: i32,
}

/// The name alone.
#[derive(Debug, Clone, Shape)]
#[shape(entity = Tag)]
struct Name {
    name: String,
}

/// The name of an article's tag.
#[derive(Debug, Clone, Shape)]
#[shape(entity = ArticleTag)]
pub struct TagName {
    /// The name.
    #[shape(through = tag, column = Tag::NAME)]
    pub name: String,
}

/// For how long another process may not see a new tag; this one sees it at once.
const KEPT_FOR: Duration = Duration::from_secs(60);

/// The tags that articles have, the most used first. Kept until a tag is given or taken: the query reads the links and
/// not the articles, so that nothing else that is written to those drops it.
///
/// # Errors
/// The database's.
pub async fn all(db: &Database) -> Result<Vec<String>, Error> {
    let tags = TagRepository::new(db)
        .shape::<Name>()
        .filter(Tag::USES.is_not_empty())
        .order_by((Tag::USES.count().desc(), Tag::NAME.asc()))
        .cached(KEPT_FOR)
        .all()
        .await?;
    Ok(tags.into_iter().map(|tag| tag.name).collect())
}

/// Gives an article these tags and no others. Tags that nobody used before are made; a tag that comes twice counts once.
///
/// # Errors
/// The database's.
pub async fn set(tx: &Transaction, article_id: i64, names: &[String]) -> Result<(), Error> {
    let links = ArticleTagRepository::new(tx);
    let own = ArticleTag::ARTICLE_ID.eq(article_id);
    links.filter(own).delete().await?;
    let tags = TagRepository::new(tx)
        .upsert_many(in_one_order(names), Tag::NAME)
        .await?;
    // Without regard to case on some databases: the tag is then the one that was there.
    let place = |tag: &Tag| {
        let given = names.iter().position(|name| *name == tag.name);
        i32::try_from(given.unwrap_or(names.len())).unwrap_or(i32::MAX)
    };
    let new = tags.iter().map(|tag| NewArticleTag {
        article_id,
        tag_id: tag.id,
        position: place(tag),
    });
    links.insert_many(new).await?;
    Ok(())
}

/// Two that write the same tags take their rows in one order, so that they never wait for each other in a circle.
fn in_one_order(names: &[String]) -> Vec<NewTag> {
    let mut names: Vec<_> = names.to_vec();
    names.sort();
    names.dedup();
    names.into_iter().map(NewTag::new).collect()
}
