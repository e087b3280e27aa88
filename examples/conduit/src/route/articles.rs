//! Articles: lists, the feed, one at a time, favorites.
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use entourage::Database;
use serde::{Deserialize, Serialize};

use super::json::{Article, Body, Parameters};
use crate::{
    auth::{self, Viewer},
    error::Error,
    model::article::{
        self, Listed, Part, Seen, Wanted,
        views::Views,
        write::{self, Draft},
    },
};

/// `{"article": ..}` as it is sent and received.
#[derive(Debug, Serialize, Deserialize)]
pub struct Envelope<T> {
    article: T,
}

/// What a client may say of an article. Which of it must be there depends on the request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Given {
    title: Option<String>,
    description: Option<String>,
    body: Option<String>,
    tag_list: Option<Vec<String>>,
}

impl From<Given> for Draft {
    fn from(given: Given) -> Self {
        Self {
            title: given.title,
            description: given.description,
            body: given.body,
            tags: given.tag_list,
        }
    }
}

/// Which articles a client wants.
#[derive(Debug, Deserialize)]
pub struct Asked {
    tag: Option<String>,
    author: Option<String>,
    favorited: Option<String>,
    offset: Option<u64>,
    limit: Option<u64>,
}

/// The most articles that a list has.
const MOST: u64 = 100;

impl Asked {
    fn part(&self) -> Result<Part, Error> {
        let default = Part::default();
        let part = Part {
            offset: self.offset.unwrap_or(default.offset),
            limit: self.limit.unwrap_or(default.limit).min(MOST),
        };
        match (part.limit, i64::try_from(part.offset)) {
            (0, _) => Err(Error::invalid("limit", "must be at least 1")),
            (_, Err(_)) => Err(Error::invalid("offset", "is too large")),
            _ => Ok(part),
        }
    }
}

/// A list of articles.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct List {
    articles: Vec<Article>,
    articles_count: u64,
}

impl From<Listed> for List {
    fn from(listed: Listed) -> Self {
        Self {
            articles: listed.articles.into_iter().map(Article::from).collect(),
            articles_count: listed.total,
        }
    }
}

fn one(seen: Seen) -> Json<Envelope<Article>> {
    let article = seen.into();
    Json(Envelope { article })
}

/// `GET /articles`
pub async fn list(
    State(db): State<Database>,
    viewer: Option<Viewer>,
    Parameters(asked): Parameters<Asked>,
) -> Result<Json<List>, Error> {
    let wanted = Wanted {
        part: asked.part()?,
        tag: asked.tag,
        author: asked.author,
        favorited: asked.favorited,
        feed_of: None,
    };
    let listed = article::list(&db, auth::id(viewer), wanted).await?;
    Ok(Json(listed.into()))
}

/// `GET /articles/feed`
pub async fn feed(
    State(db): State<Database>,
    Viewer(id): Viewer,
    Parameters(asked): Parameters<Asked>,
) -> Result<Json<List>, Error> {
    let wanted = Wanted {
        part: asked.part()?,
        feed_of: Some(id),
        ..Wanted::default()
    };
    let listed = article::list(&db, Some(id), wanted).await?;
    Ok(Json(listed.into()))
}

/// `POST /articles`
pub async fn create(
    State(db): State<Database>,
    Viewer(id): Viewer,
    Body(Envelope { article }): Body<Envelope<Given>>,
) -> Result<(StatusCode, Json<Envelope<Article>>), Error> {
    let seen = write::create(&db, id, article.into()).await?;
    Ok((StatusCode::CREATED, one(seen)))
}

/// `GET /articles/{slug}`. It counts as a view; the contract has no place to say how many there are.
pub async fn get(
    State(db): State<Database>,
    State(views): State<Views>,
    viewer: Option<Viewer>,
    Path(slug): Path<String>,
) -> Result<Json<Envelope<Article>>, Error> {
    let seen = article::get(&db, auth::id(viewer), &slug).await?;
    views.count(seen.card.id).await;
    Ok(one(seen))
}

/// `PUT /articles/{slug}`
pub async fn change(
    State(db): State<Database>,
    Viewer(id): Viewer,
    Path(slug): Path<String>,
    Body(Envelope { article }): Body<Envelope<Given>>,
) -> Result<Json<Envelope<Article>>, Error> {
    Ok(one(write::change(&db, id, &slug, article.into()).await?))
}

/// `DELETE /articles/{slug}`
pub async fn remove(
    State(db): State<Database>,
    Viewer(id): Viewer,
    Path(slug): Path<String>,
) -> Result<StatusCode, Error> {
    write::remove(&db, id, &slug).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /articles/{slug}/favorite`
pub async fn favorite(
    State(db): State<Database>,
    Viewer(id): Viewer,
    Path(slug): Path<String>,
) -> Result<Json<Envelope<Article>>, Error> {
    Ok(one(write::favorite(&db, id, &slug, true).await?))
}

/// `DELETE /articles/{slug}/favorite`
pub async fn unfavorite(
    State(db): State<Database>,
    Viewer(id): Viewer,
    Path(slug): Path<String>,
) -> Result<Json<Envelope<Article>>, Error> {
    Ok(one(write::favorite(&db, id, &slug, false).await?))
}
