//! The page with an N+1: the comments of each article are asked for on their own.
use conduit::model::{Article, Comment, article::ArticleRepository, comment::CommentRepository};
use entourage::{Database, prelude::*};

pub async fn comments(db: &Database) -> Result<Vec<(String, Vec<String>)>> {
    let articles = ArticleRepository::new(db)
        .order_by(Article::ID.asc())
        .all()
        .await?;
    let mut lines = Vec::new();
    for article in articles {
        let comments = CommentRepository::new(db).filter(Comment::ARTICLE_ID.eq(article.id));
        let comments = comments.all().await?;
        let said = comments.into_iter().map(|comment| comment.body);
        lines.push((article.title, said.collect()));
    }
    Ok(lines)
}
