//! The editor, blank or with an article of one's own.
use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use entourage::Database;
use serde::Deserialize;

use super::{Page, PageError, Reader, SignedIn, again, html, path, session::Read};
use crate::{
    error::Error,
    model::article::{
        self, Seen,
        write::{self, Draft},
    },
};

/// The fields as they were typed.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Typed {
    title: String,
    description: String,
    body: String,
    /// With commas between them.
    tags: String,
}

#[derive(Template)]
#[template(path = "editor.html")]
struct Editor {
    reader: Reader,
    /// Where the form is sent to.
    address: String,
    typed: Typed,
    errors: Vec<String>,
}

pub(super) async fn blank(_: SignedIn, Read(reader): Read) -> Page {
    html(&Editor {
        reader,
        address: "/editor".to_owned(),
        typed: Typed::default(),
        errors: Vec::new(),
    })
}

pub(super) async fn filled(
    State(db): State<Database>,
    SignedIn(id): SignedIn,
    Read(reader): Read,
    Path(slug): Path<String>,
) -> Page {
    let seen = article::get(&db, Some(id), &slug).await?;
    if seen.card.author.id != id {
        return Err(Error::forbidden("article").into());
    }
    let tags: Vec<_> = seen.card.tag_list.into_iter().map(|tag| tag.name).collect();
    html(&Editor {
        reader,
        address: path("/editor", &slug),
        typed: Typed {
            title: seen.card.title,
            description: seen.card.description,
            body: seen.body.unwrap_or_default(),
            tags: tags.join(", "),
        },
        errors: Vec::new(),
    })
}

pub(super) async fn publish(
    State(db): State<Database>,
    SignedIn(id): SignedIn,
    Read(reader): Read,
    Form(typed): Form<Typed>,
) -> Result<Response, PageError> {
    let written = write::create(&db, id, typed.draft()).await;
    answer(written, reader, "/editor".to_owned(), typed)
}

pub(super) async fn change(
    State(db): State<Database>,
    SignedIn(id): SignedIn,
    Read(reader): Read,
    Path(slug): Path<String>,
    Form(typed): Form<Typed>,
) -> Result<Response, PageError> {
    let written = write::change(&db, id, &slug, typed.draft()).await;
    answer(written, reader, path("/editor", &slug), typed)
}

/// To the article, or back to the form with what was wrong.
fn answer(
    written: Result<Seen, Error>,
    reader: Reader,
    address: String,
    typed: Typed,
) -> Result<Response, PageError> {
    match written {
        Ok(seen) => Ok(Redirect::to(&path("/article", &seen.card.slug)).into_response()),
        Err(error) => {
            let editor = Editor {
                reader,
                address,
                typed,
                errors: error.lines().collect(),
            };
            again(&error, &editor)
        }
    }
}

impl Typed {
    fn draft(&self) -> Draft {
        let names = self.tags.split(',');
        Draft {
            title: Some(self.title.clone()),
            description: Some(self.description.clone()),
            body: Some(self.body.clone()),
            tags: Some(names.map(str::to_owned).collect()),
        }
    }
}
