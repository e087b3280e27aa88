//! Articles and whose favorites they are: what is stored, and how it is read. How it is written is in [`mod@write`], how
//! views are counted in [`views`].
pub mod views;
pub mod write;

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use entourage::{Database, prelude::*};

use super::{
    comment::Comment,
    tag::{ArticleTag, Tag, TagName},
    user::{self, Follow, Person, User},
};
use crate::error::Error;

/// A text by one author.
#[derive(Debug, Clone, Entity)]
#[entity(table = "articles")]
#[entity(belongs_to(author: User, on_delete = cascade))]
#[entity(has_many(tag_list: ArticleTag, order_by = ArticleTag::POSITION.asc()))]
#[entity(many_to_many(tags: Tag, through = ArticleTag))]
#[entity(has_many(favorites: Favorite))]
#[entity(many_to_many(fans: User, through = Favorite))]
#[entity(has_many(comments: Comment))]
pub struct Article {
    /// The key; later articles have larger ones.
    #[entity(primary_key, generated)]
    pub id: i64,
    /// The author.
    #[entity(index)]
    pub author_id: i64,
    /// The name in addresses.
    #[entity(unique, length = 150)]
    pub slug: String,
    /// The title.
    #[entity(length = 200)]
    pub title: String,
    /// What it is about, in a sentence.
    pub description: String,
    /// The text.
    pub body: String,
    /// When it was published.
    #[entity(created_at)]
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    #[entity(updated_at)]
    pub updated_at: DateTime<Utc>,
    /// How often it was looked at; counted by [`views`] and by nothing else.
    #[entity(default = "0")]
    pub views: i64,
}

/// An article is a favorite of a user.
#[derive(Debug, Clone, Entity)]
#[entity(table = "favorites")]
#[entity(belongs_to(user: User, on_delete = cascade), belongs_to(article: Article, on_delete = cascade))]
pub struct Favorite {
    /// Whose favorite it is.
    #[entity(primary_key)]
    pub user_id: i64,
    /// The article.
    #[entity(primary_key, index)]
    pub article_id: i64,
}

/// Which article, and whose.
#[derive(Debug, Clone, Shape)]
#[shape(entity = Article)]
pub struct Key {
    /// The key.
    pub id: i64,
    /// The author.
    pub author_id: i64,
}

/// An article in a list: without its text.
#[derive(Debug, Clone, Shape)]
#[shape(entity = Article)]
pub struct Card {
    /// The key.
    pub id: i64,
    /// The name in addresses.
    pub slug: String,
    /// The title.
    pub title: String,
    /// What it is about.
    pub description: String,
    /// When it was published.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
    /// How often it was looked at, without the views that are not flushed yet.
    pub views: i64,
    /// Who wrote it.
    #[shape(relation)]
    pub author: Person,
    /// The names of its tags in order.
    #[shape(relation)]
    pub tag_list: Vec<TagName>,
    /// How many have it as a favorite.
    #[shape(count = favorites)]
    pub favorites_count: i64,
}

/// The text alone.
#[derive(Debug, Clone, Shape)]
#[shape(entity = Article)]
struct Text {
    body: String,
}

/// An article as somebody sees it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The article.
    pub card: Card,
    /// Its text, where it stands alone.
    pub body: Option<String>,
    /// Whether it is a favorite of the viewer.
    pub favorited: bool,
    /// Whether the viewer follows its author.
    pub following: bool,
}

/// Which articles are wanted.
#[derive(Debug, Default, Clone)]
pub struct Wanted {
    /// Those with this tag.
    pub tag: Option<String>,
    /// Those by the author of this name.
    pub author: Option<String>,
    /// The favorites of the user of this name.
    pub favorited: Option<String>,
    /// Those by authors whom this user follows.
    pub feed_of: Option<i64>,
    /// Which part of them.
    pub part: Part,
}

/// A part of a list.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// How many articles are left out.
    pub offset: u64,
    /// How many there are at most.
    pub limit: u64,
}

/// The first twenty.
impl Default for Part {
    fn default() -> Self {
        Self {
            offset: 0,
            limit: 20,
        }
    }
}

/// A part of the articles that are wanted.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The articles, the newest first.
    pub articles: Vec<Seen>,
    /// How many there are in all.
    pub total: u64,
}

/// The articles that are wanted.
///
/// # Errors
/// The database's.
pub async fn list(db: &Database, viewer: Option<i64>, wanted: Wanted) -> Result<Listed, Error> {
    let part = wanted.part;
    let matching = ArticleRepository::new(db).filter(wanted.filter());
    let total = matching.count().await?;
    let cards = ArticleRepository::new(db)
        .shape::<Card>()
        .filter(wanted.filter())
        .order_by(Article::ID.desc())
        .offset(part.offset)
        .limit(part.limit)
        .all()
        .await?;
    let articles = seen_by(db, viewer, cards).await?;
    Ok(Listed { articles, total })
}

impl Wanted {
    fn filter(&self) -> Filter<Article> {
        let tag = |name: &String| Article::TAGS.any(Tag::NAME.eq(name));
        let author = |name: &String| Article::AUTHOR.any(User::USERNAME.eq(name));
        let favorited = |name: &String| Article::FANS.any(User::USERNAME.eq(name));
        let followed = |id: &i64| {
            let by_viewer = Follow::FOLLOWER_ID.eq(*id);
            Article::AUTHOR.any(User::FOLLOWERS.any(by_viewer))
        };
        let filters = [
            self.tag.as_ref().map(tag),
            self.author.as_ref().map(author),
            self.favorited.as_ref().map(favorited),
            self.feed_of.as_ref().map(followed),
        ];
        Filter::all(filters.into_iter().flatten())
    }
}

/// One article with its text.
///
/// # Errors
/// 404 if there is none.
pub async fn get(db: &Database, viewer: Option<i64>, slug: &str) -> Result<Seen, Error> {
    let one = Article::SLUG.eq(slug);
    let articles = ArticleRepository::new(db);
    let card = articles.shape::<Card>().filter(one.clone()).one().await?;
    let text = articles.shape::<Text>().filter(one).one().await?;
    let mut seen = seen_by(db, viewer, vec![card]).await?.swap_remove(0);
    seen.body = Some(text.body);
    Ok(seen)
}

/// Which article has this name in addresses.
///
/// # Errors
/// 404 if there is none.
pub async fn key(db: &Database, slug: &str) -> Result<Key, Error> {
    let keys = ArticleRepository::new(db).shape::<Key>();
    Ok(keys.filter(Article::SLUG.eq(slug)).one().await?)
}

/// The articles with what the viewer has to do with them: one statement for the favorites and one for the authors,
/// however many articles there are, and none for a viewer that is not signed in.
async fn seen_by(db: &Database, viewer: Option<i64>, cards: Vec<Card>) -> Result<Vec<Seen>, Error> {
    let favorites = favorites_of(db, viewer, cards.iter().map(|card| card.id)).await?;
    let authors = cards.iter().map(|card| card.author.id);
    let followed = user::followed_of(db, viewer, authors).await?;
    let seen = |card: Card| Seen {
        favorited: favorites.contains(&card.id),
        following: followed.contains(&card.author.id),
        body: None,
        card,
    };
    Ok(cards.into_iter().map(seen).collect())
}

/// Which of these articles are favorites of `viewer`.
async fn favorites_of(
    db: &Database,
    viewer: Option<i64>,
    articles: impl IntoIterator<Item = i64>,
) -> Result<HashSet<i64>, Error> {
    let articles: Vec<i64> = articles.into_iter().collect();
    let Some(viewer) = viewer.filter(|_| !articles.is_empty()) else {
        return Ok(HashSet::new());
    };
    let theirs = Favorite::USER_ID
        .eq(viewer)
        .and(Favorite::ARTICLE_ID.in_list(articles));
    let favorites = FavoriteRepository::new(db).filter(theirs).all().await?;
    let ids = favorites.iter().map(|favorite| favorite.article_id);
    Ok(ids.collect())
}
