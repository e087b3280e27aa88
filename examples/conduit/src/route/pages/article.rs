//! An article's page, with its comments.
use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    response::Redirect,
};
use entourage::Database;
use serde::Deserialize;

use super::{Page, PageError, Reader, SignedIn, html, path, profile::Switch, session::Read};
use crate::model::{
    article::{self, Seen, views::Views, write},
    comment,
};

#[derive(Template)]
#[template(path = "article.html")]
struct Article {
    reader: Reader,
    own: bool,
    paragraphs: Vec<String>,
    seen: Seen,
    comments: Vec<comment::Seen>,
}

pub(super) async fn show(
    State(db): State<Database>,
    State(views): State<Views>,
    Read(reader): Read,
    Path(slug): Path<String>,
) -> Page {
    let viewer = reader.as_ref().map(|member| member.id);
    let seen = article::get(&db, viewer, &slug).await?;
    views.count(seen.card.id).await;
    let comments = comment::of_article(&db, viewer, &slug).await?;
    html(&Article {
        own: viewer == Some(seen.card.author.id),
        paragraphs: paragraphs(seen.body.as_deref().unwrap_or_default()),
        reader,
        seen,
        comments,
    })
}

/// A blank line ends a paragraph.
fn paragraphs(body: &str) -> Vec<String> {
    let body = body.replace("\r\n", "\n");
    let paragraphs = body.split("\n\n").map(str::trim);
    let filled = paragraphs.filter(|paragraph| !paragraph.is_empty());
    filled.map(str::to_owned).collect()
}

pub(super) async fn favorite(
    State(db): State<Database>,
    SignedIn(id): SignedIn,
    Path(slug): Path<String>,
    Form(switch): Form<Switch>,
) -> Result<Redirect, PageError> {
    write::favorite(&db, id, &slug, switch.on).await?;
    Ok(Redirect::to(&path("/article", &slug)))
}

pub(super) async fn remove(
    State(db): State<Database>,
    SignedIn(id): SignedIn,
    Path(slug): Path<String>,
) -> Result<Redirect, PageError> {
    write::remove(&db, id, &slug).await?;
    Ok(Redirect::to("/"))
}

#[derive(Debug, Deserialize)]
pub(super) struct Remark {
    body: String,
}

pub(super) async fn comment(
    State(db): State<Database>,
    SignedIn(id): SignedIn,
    Path(slug): Path<String>,
    Form(remark): Form<Remark>,
) -> Result<Redirect, PageError> {
    comment::add(&db, id, &slug, Some(remark.body)).await?;
    Ok(Redirect::to(&path("/article", &slug)))
}

pub(super) async fn remove_comment(
    State(db): State<Database>,
    SignedIn(id): SignedIn,
    Path((slug, comment)): Path<(String, i64)>,
) -> Result<Redirect, PageError> {
    comment::remove(&db, id, &slug, comment).await?;
    Ok(Redirect::to(&path("/article", &slug)))
}

#[cfg(test)]
mod tests {
    use super::paragraphs;

    #[test]
    fn a_blank_line_ends_a_paragraph() {
        let body = "one\r\nstill one\r\n\r\ntwo\n\n\n\nthree\n";
        assert_eq!(paragraphs(body), ["one\nstill one", "two", "three"]);
    }
}
