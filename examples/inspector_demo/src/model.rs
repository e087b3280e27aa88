//! Authors, their books, and who has them.
use entourage::{Database, prelude::*};

#[derive(Debug, Clone, Entity)]
#[entity(table = "authors", has_many(books: Book, foreign_key = author_id))]
pub(crate) struct Author {
    #[entity(primary_key, generated)]
    pub(crate) id: i64,
    pub(crate) name: String,
}

#[derive(Debug, Clone, Entity)]
#[entity(table = "books", belongs_to(author: Author, foreign_key = author_id))]
#[entity(has_many(loans: Loan, foreign_key = book_id))]
pub(crate) struct Book {
    #[entity(primary_key, generated)]
    pub(crate) id: i64,
    #[entity(index)]
    pub(crate) author_id: i64,
    pub(crate) title: String,
    pub(crate) lent: i64,
}

#[derive(Debug, Clone, Entity)]
#[entity(table = "loans", belongs_to(book: Book, foreign_key = book_id))]
pub(crate) struct Loan {
    #[entity(primary_key, generated)]
    pub(crate) id: i64,
    #[entity(index)]
    pub(crate) book_id: i64,
    #[entity(sensitive)]
    pub(crate) card_number: String,
}

const NAMES: [&str; 24] = [
    "Ada Lovelace",
    "Alan Turing",
    "Barbara Liskov",
    "Bertrand Meyer",
    "Brian Kernighan",
    "Christopher Date",
    "David Parnas",
    "Donald Knuth",
    "Edgar Codd",
    "Edsger Dijkstra",
    "Frances Allen",
    "Fred Brooks",
    "Grace Hopper",
    "Jim Gray",
    "John Backus",
    "Karen Jones",
    "Leslie Lamport",
    "Margaret Hamilton",
    "Michael Stonebraker",
    "Niklaus Wirth",
    "Patricia Selinger",
    "Peter Naur",
    "Robin Milner",
    "Tony Hoare",
];

/// Makes the tables anew and fills them.
///
/// # Errors
/// The database's.
pub async fn seed(db: &Database) -> Result<()> {
    db.drop_schema::<(Loan, Book, Author)>().await?;
    db.create_schema::<(Author, Book, Loan)>().await?;
    let names = NAMES.map(|name| NewAuthor { name: name.into() });
    let authors = AuthorRepository::new(db).insert_many(names).await?;
    let books = authors.iter().flat_map(|author| {
        ["Collected papers", "Letters", "A life"].map(|title| NewBook {
            author_id: author.id,
            title: format!("{title} of {}", author.name),
            lent: 0,
        })
    });
    BookRepository::new(db)
        .insert_many(books.collect::<Vec<_>>())
        .await?;
    Ok(())
}
