//! Ten questions, each answered in a constant number of statements.
use entourage::{Database, Result, eager::Strategy, prelude::*};

use crate::model::{
    Album, AlbumRepository, Artist, ArtistRepository, Customer, CustomerRepository, Employee,
    EmployeeRepository, Genre, GenreRepository, Invoice, InvoiceLine, InvoiceLineRepository,
    InvoiceRepository, Playlist, PlaylistRepository, Track, TrackRepository,
};

/// A question with its answer, line by line, and the statements it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The question.
    pub question: &'static str,
    /// The answer.
    pub lines: Vec<String>,
    /// How many statements were sent.
    pub statements: usize,
}

/// Asks all ten, loading relations by `strategy`.
///
/// # Errors
/// The database's.
pub async fn ask_all(db: &Database, strategy: Strategy) -> Result<Vec<Answer>> {
    let mut answers = Vec::new();
    macro_rules! ask {
        ($question:literal, $answer:expr) => {{
            let recording = db.recorded();
            let lines = $answer.await?;
            answers.push(Answer {
                question: $question,
                lines,
                statements: recording.count(),
            });
        }};
    }
    ask!(
        "What have the first three artists recorded?",
        discography(db, strategy)
    );
    ask!(
        "Which are the three longest tracks of each genre?",
        longest_of_each_genre(db, strategy)
    );
    ask!(
        "What is in the small playlists?",
        small_playlists(db, strategy)
    );
    ask!("Who reports to whom?", reporting_tree(db));
    ask!(
        "Who spent most, and on what, lately?",
        best_customers(db, strategy)
    );
    ask!("Which artists have the most albums?", most_albums(db));
    ask!(
        "Which tracks were never sold, and by whom are they?",
        never_sold(db, strategy)
    );
    ask!(
        "Whose customers are from Canada, and who serves them?",
        canadians(db, strategy)
    );
    ask!(
        "What did the five largest invoices contain?",
        largest_invoices(db, strategy)
    );
    ask!(
        "What does page three of the albums look like?",
        third_page(db, strategy)
    );
    Ok(answers)
}

fn name(name: &Option<String>) -> &str {
    name.as_deref().unwrap_or("?")
}

async fn discography(db: &Database, strategy: Strategy) -> Result<Vec<String>> {
    let artists = ArtistRepository::new(db)
        .filter(Artist::ID.le(3))
        .order_by(Artist::ID.asc())
        .strategy(strategy)
        .with(Artist::ALBUMS.with(Album::TRACKS.order_by(Track::ID.asc()).with(Track::GENRE)))
        .all()
        .await?;
    let mut lines = Vec::new();
    for artist in &artists {
        for album in artist.get(Artist::ALBUMS) {
            for track in album.get(Album::TRACKS) {
                let genre = track
                    .get(Track::GENRE)
                    .as_ref()
                    .map_or("?", |genre| name(&genre.name));
                lines.push(format!(
                    "{} / {} / {} ({genre})",
                    name(&artist.name),
                    album.title,
                    track.name
                ));
            }
        }
    }
    Ok(lines)
}

async fn longest_of_each_genre(db: &Database, strategy: Strategy) -> Result<Vec<String>> {
    let genres = GenreRepository::new(db)
        .order_by(Genre::ID.asc())
        .strategy(strategy)
        .with(Genre::TRACKS.order_by(Track::MILLISECONDS.desc()).limit(3))
        .all()
        .await?;
    let line = |genre: &With<Genre, _>, track: &Track| {
        format!(
            "{}: {} {} s",
            name(&genre.name),
            track.name,
            track.milliseconds / 1000
        )
    };
    Ok(genres
        .iter()
        .flat_map(|genre| {
            genre
                .get(Genre::TRACKS)
                .iter()
                .map(move |track| line(genre, track))
        })
        .collect())
}

async fn small_playlists(db: &Database, strategy: Strategy) -> Result<Vec<String>> {
    let playlists = PlaylistRepository::new(db)
        .filter(
            Playlist::TRACKS
                .count()
                .ge(1)
                .and(Playlist::TRACKS.count().le(40)),
        )
        .order_by(Playlist::ID.asc())
        .strategy(strategy)
        .with(
            Playlist::TRACKS
                .order_by(Track::ID.asc())
                .with(Track::ALBUM.with(Album::ARTIST)),
        )
        .all()
        .await?;
    let mut lines = Vec::new();
    for playlist in &playlists {
        for track in playlist.get(Playlist::TRACKS) {
            let artist = track
                .get(Track::ALBUM)
                .as_ref()
                .map_or("?", |album| name(&album.get(Album::ARTIST).name));
            lines.push(format!(
                "{}: {} by {artist}",
                name(&playlist.name),
                track.name
            ));
        }
    }
    Ok(lines)
}

async fn reporting_tree(db: &Database) -> Result<Vec<String>> {
    let heads = EmployeeRepository::new(db)
        .filter(Employee::REPORTS_TO.is_null())
        .order_by(Employee::ID.asc())
        .strategy(Strategy::Batched)
        .with(Employee::REPORTS.recursive(3))
        .all()
        .await?;
    fn walk(node: &Tree<Employee>, depth: usize, lines: &mut Vec<String>) {
        lines.push(format!(
            "{}{} {}",
            "  ".repeat(depth),
            node.first_name,
            node.last_name
        ));
        node.children
            .iter()
            .for_each(|child| walk(child, depth + 1, lines));
    }
    let mut lines = Vec::new();
    for head in &heads {
        lines.push(format!("{} {}", head.first_name, head.last_name));
        head.get(Employee::REPORTS)
            .iter()
            .for_each(|report| walk(report, 1, &mut lines));
    }
    Ok(lines)
}

async fn best_customers(db: &Database, strategy: Strategy) -> Result<Vec<String>> {
    let customers = CustomerRepository::new(db)
        .order_by(Customer::INVOICES.sum(Invoice::TOTAL).desc())
        .order_by(Customer::ID.asc())
        .limit(3)
        .strategy(strategy)
        .with(
            Customer::INVOICES
                .order_by(Invoice::INVOICE_DATE.desc())
                .limit(1)
                .with(Invoice::LINES.with(InvoiceLine::TRACK)),
        )
        .all()
        .await?;
    let mut lines = Vec::new();
    for customer in &customers {
        for invoice in customer.get(Customer::INVOICES) {
            for line in invoice.get(Invoice::LINES) {
                let track = line.get(InvoiceLine::TRACK);
                lines.push(format!(
                    "{} {}, {}: {}",
                    customer.first_name, customer.last_name, invoice.invoice_date, track.name
                ));
            }
        }
    }
    Ok(lines)
}

async fn most_albums(db: &Database) -> Result<Vec<String>> {
    let artists = ArtistRepository::new(db)
        .order_by(Artist::ALBUMS.count().desc())
        .order_by(Artist::ID.asc())
        .limit(5)
        .strategy(Strategy::Batched)
        .with(Artist::ALBUMS.count())
        .all()
        .await?;
    Ok(artists
        .iter()
        .map(|artist| {
            format!(
                "{}: {}",
                name(&artist.name),
                artist.get(Artist::ALBUMS.count())
            )
        })
        .collect())
}

async fn never_sold(db: &Database, strategy: Strategy) -> Result<Vec<String>> {
    let tracks = TrackRepository::new(db)
        .filter(Track::INVOICE_LINES.is_empty())
        .order_by(Track::ID.asc())
        .limit(20)
        .strategy(strategy)
        .with(Track::ALBUM.with(Album::ARTIST))
        .all()
        .await?;
    let mut lines = Vec::new();
    for track in &tracks {
        let artist = track
            .get(Track::ALBUM)
            .as_ref()
            .map_or("?", |album| name(&album.get(Album::ARTIST).name));
        lines.push(format!("{} by {artist}", track.name));
    }
    Ok(lines)
}

async fn canadians(db: &Database, strategy: Strategy) -> Result<Vec<String>> {
    let employees = EmployeeRepository::new(db)
        .filter(Employee::CUSTOMERS.any(Customer::COUNTRY.eq("Canada")))
        .order_by(Employee::ID.asc())
        .strategy(strategy)
        .with(
            Employee::CUSTOMERS
                .filter(Customer::COUNTRY.eq("Canada"))
                .order_by(Customer::ID.asc()),
        )
        .with(Employee::MANAGER)
        .all()
        .await?;
    let mut lines = Vec::new();
    for employee in &employees {
        let manager = employee
            .get(Employee::MANAGER)
            .as_ref()
            .map_or("nobody", |manager| manager.last_name.as_str());
        for customer in employee.get(Employee::CUSTOMERS) {
            lines.push(format!(
                "{} {} (under {manager}): {}",
                employee.first_name, employee.last_name, customer.last_name
            ));
        }
    }
    Ok(lines)
}

async fn largest_invoices(db: &Database, strategy: Strategy) -> Result<Vec<String>> {
    let invoices = InvoiceRepository::new(db)
        .order_by((Invoice::TOTAL.desc(), Invoice::ID.asc()))
        .limit(5)
        .strategy(strategy)
        .with(Invoice::CUSTOMER)
        .with(Invoice::LINES.with(InvoiceLine::TRACK))
        .all()
        .await?;
    let mut lines = Vec::new();
    for invoice in &invoices {
        let tracks: Vec<_> = invoice
            .get(Invoice::LINES)
            .iter()
            .map(|line| line.get(InvoiceLine::TRACK).name.as_str())
            .collect();
        let buyer = &invoice.get(Invoice::CUSTOMER).last_name;
        lines.push(format!(
            "{} {buyer}: {}",
            invoice.total.normalize(),
            tracks.join(", ")
        ));
    }
    Ok(lines)
}

async fn third_page(db: &Database, strategy: Strategy) -> Result<Vec<String>> {
    let albums = AlbumRepository::new(db);
    let mut page = Page::first(5);
    let mut lines = Vec::new();
    for _ in 0..3 {
        let found = albums
            .order_by(Album::ID.asc())
            .strategy(strategy)
            .with(Album::ARTIST)
            .page(page)
            .await?;
        lines = found
            .items
            .iter()
            .map(|album| {
                format!(
                    "{} by {}",
                    album.title,
                    name(&album.get(Album::ARTIST).name)
                )
            })
            .collect();
        let Some(next) = found.next else {
            break;
        };
        page = Page::after(next).size(5);
    }
    let sold = InvoiceLineRepository::new(db)
        .query()
        .sum(InvoiceLine::QUANTITY)
        .await?;
    lines.push(format!("tracks sold in all: {}", sold.unwrap_or_default()));
    Ok(lines)
}
