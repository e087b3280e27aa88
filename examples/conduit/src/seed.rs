//! Demo data: a few people who write, comment, follow and like. Everybody's password is `password`.
use entourage::{Database, prelude::*};

use crate::{
    error::Error,
    model::{
        article::{
            Article, ArticleRepository,
            write::{self, Draft},
        },
        comment,
        user::{self, Changes, Registration, User, UserRepository},
    },
    state::App,
};

const PEOPLE: [(&str, &str); 4] = [
    ("ada", "Writes about machines that do not exist yet."),
    ("grace", "Collects moths from relays."),
    ("linus", "Keeps a garden, and a log of it."),
    ("mary", "Reads everything twice."),
];

/// Author, title, description, body, tags.
const ARTICLES: [(usize, &str, &str, &str, &[&str]); 8] = [
    (
        0,
        "Notes on an engine",
        "What a machine could do if it were built.",
        "It weaves numbers as the loom weaves leaves.\n\nGive it a rule and it follows the rule, however long the rule is. It has no pretensions to originate anything; it does what we know how to order it to do.\n\nThat is more than it sounds.",
        &["machines", "history"],
    ),
    (
        1,
        "The moth in relay 70",
        "A bug, and how it was found.",
        "The panel gave a different answer every second night.\n\nWe looked at the drawings for a week. Then somebody opened the cabinet, and there it was, between the contacts.\n\nIt is taped into the log book now.",
        &["machines", "debugging"],
    ),
    (
        2,
        "A plan for a small garden",
        "Four beds, one path, no regrets.",
        "Measure the shade before you measure the beds.\n\nPut what you eat daily nearest to the door. Everything else will be visited on Sundays at best.",
        &["garden", "planning"],
    ),
    (
        0,
        "On looms and numbers",
        "Why patterns are instructions.",
        "A card with holes is a sentence. A chain of cards is a story.\n\nWhoever can read one can read the cloth before it is woven.",
        &["history", "patterns"],
    ),
    (
        1,
        "Compilers for people",
        "Programs should be written in words.",
        "They told us that computers could only do arithmetic.\n\nWe had one that translated words into arithmetic, and nobody would touch it for a year.",
        &["machines", "language"],
    ),
    (
        2,
        "Compost is a queue",
        "First in, first out, more or less.",
        "What goes in on top comes out at the bottom half a year later.\n\nIf it does not, turn it.",
        &["garden", "patterns"],
    ),
    (
        0,
        "Counting without rows",
        "A thought about tables.",
        "To count the sheep you need not bring in every sheep.\n\nAsk the shepherd, once.",
        &["planning", "language"],
    ),
    (
        1,
        "Keep the log book",
        "Write down what you saw, not what you think.",
        "When something fails on a Friday, the log book is the only one that was there on Monday.",
        &["debugging", "planning"],
    ),
];

/// Who says what about which article.
const COMMENTS: [(usize, usize, &str); 6] = [
    (1, 0, "I would have liked to see it run."),
    (3, 0, "Read it twice. It is better the second time."),
    (2, 1, "We have those in the greenhouse as well."),
    (0, 2, "What if the shade moves?"),
    (3, 5, "More or less!"),
    (2, 7, "Mine is mostly about slugs."),
];

/// Fills an empty database.
///
/// # Errors
/// The database's.
pub async fn demo(app: &App) -> entourage::Result<()> {
    if UserRepository::new(&app.db).query().exists().await? {
        return Ok(());
    }
    fill(app).await.map_err(|error| {
        let lines: Vec<String> = error.lines().collect();
        entourage::Error::new(
            ErrorKind::Database,
            format!("no demo data: {}", lines.join(", ")),
        )
    })?;
    tracing::info!("demo data: sign in as ada@example.org with `password`");
    Ok(())
}

async fn fill(app: &App) -> Result<(), Error> {
    let db = &app.db;
    let mut people = Vec::new();
    for (name, bio) in PEOPLE {
        people.push(join(app, name, bio).await?);
    }
    for (author, title, description, body, tags) in ARTICLES {
        let draft = Draft {
            title: Some(title.to_owned()),
            description: Some(description.to_owned()),
            body: Some(body.to_owned()),
            tags: Some(tags.iter().map(|tag| (*tag).to_owned()).collect()),
        };
        write::create(db, people[author].id, draft).await?;
    }
    relate(db, &people).await
}

async fn join(app: &App, name: &str, bio: &str) -> Result<User, Error> {
    let asked = Registration {
        username: Some(name.to_owned()),
        email: Some(format!("{name}@example.org")),
        password: Some("password".to_owned()),
    };
    let user = user::register(&app.db, &app.passwords, asked).await?;
    let changes = Changes {
        bio: Some(bio.to_owned()),
        ..Changes::default()
    };
    user::change(&app.db, &app.passwords, user.id, changes).await
}

/// Comments, favorites, and who follows whom.
async fn relate(db: &Database, people: &[User]) -> Result<(), Error> {
    let articles = ArticleRepository::new(db)
        .order_by(Article::ID.asc())
        .all()
        .await?;
    for (who, article, body) in COMMENTS {
        let slug = &articles[article].slug;
        comment::add(db, people[who].id, slug, Some(body.to_owned())).await?;
    }
    let users = UserRepository::new(db);
    for (place, person) in people.iter().enumerate() {
        let liked = articles.iter().skip(place).step_by(place + 2);
        let liked = liked.map(|article| article.id);
        users.link(User::FAVORITES, person.id, liked).await?;
        let others = people.iter().skip(place + 1).map(|other| other.id);
        users.link(User::FOLLOWED, person.id, others).await?;
    }
    Ok(())
}
