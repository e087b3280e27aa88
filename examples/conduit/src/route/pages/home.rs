//! The front page: the newest articles, of all, of those whom one follows, or with a tag.
use askama::Template;
use axum::extract::State;
use entourage::Database;
use percent_encoding::utf8_percent_encode;
use serde::Deserialize;

use super::{Page, Reader, SPECIAL, Shelf, html, session::Read};
use crate::{
    model::{article::Wanted, tag},
    route::json::Parameters,
};

/// How many tags are offered.
const TAGS: usize = 20;

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    tag: Option<String>,
    feed: Option<String>,
    page: Option<u32>,
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    reader: Reader,
    shelf: Shelf,
    tags: Vec<String>,
    tag: Option<String>,
    feed: bool,
}

pub(super) async fn show(
    State(db): State<Database>,
    Read(reader): Read,
    Parameters(asked): Parameters<Asked>,
) -> Page {
    let feed_of = reader
        .as_ref()
        .filter(|_| asked.feed.is_some())
        .map(|member| member.id);
    let wanted = Wanted {
        tag: asked.tag.clone(),
        feed_of,
        ..Wanted::default()
    };
    let address = match (&asked.tag, feed_of) {
        (Some(tag), _) => format!("/?tag={}&", utf8_percent_encode(tag, SPECIAL)),
        (None, Some(_)) => "/?feed=own&".to_owned(),
        (None, None) => "/?".to_owned(),
    };
    let shelf = Shelf::load(&db, &reader, wanted, asked.page.unwrap_or(1), &address).await?;
    let mut tags = tag::all(&db).await?;
    tags.truncate(TAGS);
    html(&Home {
        reader,
        shelf,
        tags,
        tag: asked.tag,
        feed: feed_of.is_some(),
    })
}
