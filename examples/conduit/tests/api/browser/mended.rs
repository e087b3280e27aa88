//! The page as the inspector told to write it: all comments in one statement.
use conduit::model::{Article, article::ArticleRepository};
use entourage::{Database, prelude::*};

pub async fn comments(db: &Database) -> Result<Vec<(String, Vec<String>)>> {
    let articles = ArticleRepository::new(db)
        .order_by(Article::ID.asc())
        .with(Article::COMMENTS)
        .all()
        .await?;
    let lines = articles.iter().map(|article| {
        let comments = article.get(Article::COMMENTS).iter();
        let said = comments.map(|comment| comment.body.clone());
        (article.title.clone(), said.collect())
    });
    Ok(lines.collect())
}
