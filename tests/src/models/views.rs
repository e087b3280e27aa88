//! Articles, and views over them: a plain one, a kept one, and one that reads another.

use entourage::{Database, prelude::*};

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "authors")]
#[entity(has_many(articles: Article))]
#[entity(has_one(figures: AuthorFigures))]
#[entity(has_many(long_articles: LongArticle))]
pub struct Author {
    #[entity(primary_key, generated)]
    pub id: i64,
    #[entity(length = 50)]
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "articles")]
#[entity(belongs_to(author: Author, on_delete = cascade))]
pub struct Article {
    #[entity(primary_key, generated)]
    pub id: i64,
    #[entity(index)]
    pub author_id: i64,
    #[entity(length = 50)]
    pub title: String,
    pub words: i32,
}

/// The columns stand in another order than in the query, which ends in a comment.
#[derive(Debug, Clone, PartialEq, View)]
#[view(name = "author_figures", materialized, reads(Article))]
#[view(
    query = "SELECT COUNT(*) AS articles, MAX(a.title) AS last_title, a.author_id, SUM(a.words) AS words, 1 AS unused
    FROM articles a GROUP BY a.author_id -- one row an author"
)]
#[view(belongs_to(author: Author))]
pub struct AuthorFigures {
    #[view(primary_key)]
    pub author_id: i64,
    pub articles: i64,
    #[view(index)]
    pub words: i64,
    #[view(length = 50)]
    pub last_title: Option<String>,
}

#[derive(Debug, Clone, PartialEq, View)]
#[view(name = "long_articles", reads(Article))]
#[view(query(
    sqlite = "SELECT id, author_id, title, words FROM articles WHERE words >= 1000",
    postgres = "SELECT id, author_id, title, words FROM articles WHERE words >= 1000",
    mysql = "SELECT id, author_id, title, words FROM articles WHERE words >= 1000",
))]
#[view(belongs_to(author: Author))]
pub struct LongArticle {
    #[view(primary_key)]
    pub id: i64,
    pub author_id: i64,
    pub title: String,
    pub words: i32,
}

/// A plain view of a plain view.
#[derive(Debug, Clone, PartialEq, View)]
#[view(name = "long_titles", reads(LongArticle))]
#[view(query = "SELECT id, title FROM long_articles")]
pub struct LongTitle {
    #[view(primary_key)]
    pub id: i64,
    pub title: String,
}

/// The views before what they read, to be put in order.
pub type Press = (Author, LongTitle, LongArticle, AuthorFigures, Article);

/// Ada with two articles, Bea with one, Cleo with none; the views are filled before there is anything.
pub async fn seed(db: &Database) -> Result<Vec<Author>> {
    db.create_schema::<Press>().await?;
    let names = ["Ada", "Bea", "Cleo"];
    let authors = names.map(|name| NewAuthor { name: name.into() });
    let authors = AuthorRepository::new(db).insert_many(authors).await?;
    let articles = [
        article(&authors[0], "Engines", 1500),
        article(&authors[0], "Looms", 300),
        article(&authors[1], "Gardens", 2000),
    ];
    ArticleRepository::new(db).insert_many(articles).await?;
    Ok(authors)
}

pub fn article(author: &Author, title: &str, words: i32) -> NewArticle {
    NewArticle {
        author_id: author.id,
        title: title.into(),
        words,
    }
}
