//! The pages: good ones and bad ones.
use std::time::Duration;

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Html,
};
use entourage::{Database, Error, prelude::*};

use crate::model::{Author, AuthorRepository, Book, BookRepository, LoanRepository, NewLoan};

type Answer<T = Html<String>> = std::result::Result<T, (StatusCode, String)>;

/// What there is to see.
pub(crate) async fn contents() -> Html<&'static str> {
    Html(include_str!("contents.html"))
}

/// Authors with their books, in a constant number of statements.
pub(crate) async fn authors(State(db): State<Database>) -> Answer {
    let authors = AuthorRepository::new(&db);
    let authors = authors
        .query()
        .order_by(Author::NAME.asc())
        .with(Author::BOOKS)
        .all()
        .await
        .map_err(failed)?;
    let lines = authors
        .iter()
        .map(|author| line(&author.name, author.get(Author::BOOKS)));
    Ok(list(lines))
}

/// Authors with their books from the result cache, until somebody writes to one of the tables.
pub(crate) async fn authors_kept(State(db): State<Database>) -> Answer {
    let authors = AuthorRepository::new(&db)
        .query()
        .order_by(Author::NAME.asc())
        .with(Author::BOOKS)
        .cached(Duration::from_secs(60))
        .all()
        .await
        .map_err(failed)?;
    let lines = authors
        .iter()
        .map(|author| line(&author.name, author.get(Author::BOOKS)));
    Ok(list(lines))
}

/// Authors with a statement for the books of each: what the inspector is there to find.
pub(crate) async fn authors_one_by_one(State(db): State<Database>) -> Answer {
    let authors = AuthorRepository::new(&db);
    let authors = authors
        .query()
        .order_by(Author::NAME.asc())
        .all()
        .await
        .map_err(failed)?;
    let mut lines = Vec::new();
    for author in &authors {
        let books = BookRepository::new(&db).filter(Book::AUTHOR_ID.eq(author.id));
        lines.push(line(&author.name, &books.all().await.map_err(failed)?));
    }
    Ok(list(lines.into_iter()))
}

/// One author.
pub(crate) async fn author(State(db): State<Database>, Path(id): Path<i64>) -> Answer {
    let authors = AuthorRepository::new(&db)
        .filter(Author::ID.eq(id))
        .with(Author::BOOKS);
    let author = authors.one().await.map_err(failed)?;
    Ok(list(
        [line(&author.name, author.get(Author::BOOKS))].into_iter(),
    ))
}

/// A statement that takes its time: it counts pairs of pairs of books.
pub(crate) async fn report(State(db): State<Database>) -> Answer {
    let sql =
        "SELECT COUNT(*) FROM books a, books b, books c WHERE a.id < b.id AND b.title < c.title";
    let (pairs,): (i64,) = db.sql(sql, args![]).fetch_one().await.map_err(failed)?;
    Ok(Html(format!("<p>{pairs} triples of books")))
}

/// Lends a book: one transaction that changes two tables.
pub(crate) async fn lend(State(db): State<Database>, Path(id): Path<i64>) -> Answer {
    let lend = |tx: entourage::Transaction| async move {
        let books = BookRepository::new(&tx);
        let mut book = books.get(id).await?;
        book.lent += 1;
        books.update(&book).await?;
        let card_number = "4711 0815".to_owned();
        LoanRepository::new(&tx)
            .insert(NewLoan {
                book_id: book.id,
                card_number,
            })
            .await?;
        Ok::<_, Error>(book.title)
    };
    let title = db.transaction().run(lend).await.map_err(failed)?;
    Ok(Html(format!("<p>{title} is lent")))
}

fn line(author: &str, books: &[Book]) -> String {
    let titles: Vec<_> = books.iter().map(|book| book.title.as_str()).collect();
    format!("<li>{author}: {}", titles.join(", "))
}

fn list(lines: impl Iterator<Item = String>) -> Html<String> {
    Html(format!("<ul>{}</ul>", lines.collect::<String>()))
}

fn failed(error: Error) -> (StatusCode, String) {
    let status = match error.is_not_found() {
        true => StatusCode::NOT_FOUND,
        false => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, error.to_string())
}
