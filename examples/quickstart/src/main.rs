//! Define three tables, save a few rows, load a graph of them, and see the statements it took.
//!
//! `cargo run -p quickstart` uses an embedded database in memory; give a URL to use another one:
//! `cargo run -p quickstart -- sqlite://blog.db`.
use entourage::{Database, prelude::*};

#[derive(Debug, Clone, Entity)]
#[entity(table = "users")]
#[entity(has_many(posts: Post, foreign_key = author_id))]
struct User {
    #[entity(primary_key, generated)]
    id: i64,
    #[entity(unique)]
    email: String,
    name: String,
}

#[derive(Debug, Clone, Entity)]
#[entity(table = "posts")]
#[entity(belongs_to(author: User, foreign_key = author_id))]
#[entity(has_many(comments: Comment))]
struct Post {
    #[entity(primary_key, generated)]
    id: i64,
    #[entity(index)]
    author_id: i64,
    title: String,
}

#[derive(Debug, Clone, Entity)]
#[entity(table = "comments")]
#[entity(belongs_to(post: Post), belongs_to(author: User, foreign_key = author_id))]
struct Comment {
    #[entity(primary_key, generated)]
    id: i64,
    #[entity(index)]
    post_id: i64,
    #[entity(index)]
    author_id: i64,
    body: String,
}

#[tokio::main]
async fn main() -> Result<()> {
    let url = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "sqlite::memory:".to_owned());
    let db = Database::connect(&url).await?;
    db.create_schema::<(User, Post, Comment)>().await?;
    seed(&db).await?;

    let recording = db.recorded();
    print!("{}", page(&db).await?);
    println!(
        "\nThe tree took {} statements, however many rows there are:",
        recording.count()
    );
    for statement in recording.statements() {
        println!("  {}", statement.sql);
    }
    db.close().await;
    Ok(())
}

/// What each author wrote last, and what others said of it.
async fn page(db: &Database) -> Result<String> {
    // One graph. Its type says what was loaded: reading a relation that is not in it does not compile.
    let authors = UserRepository::new(db)
        .filter(User::POSTS.is_not_empty())
        .order_by(User::NAME.asc())
        .with(
            User::POSTS
                .order_by(Post::ID.desc())
                .limit(2)
                .with(Post::COMMENTS.with(Comment::AUTHOR)),
        )
        .all()
        .await?;
    let mut page = String::new();
    for author in &authors {
        page += &format!("{}\n", author.name);
        for post in author.get(User::POSTS) {
            page += &format!("  {}\n", post.title);
            for comment in post.get(Post::COMMENTS) {
                let reader = comment.get(Comment::AUTHOR);
                page += &format!("    {}: {}\n", reader.name, comment.body);
            }
        }
    }
    Ok(page)
}

async fn seed(db: &Database) -> Result<()> {
    let users = UserRepository::new(db);
    if users.query().exists().await? {
        return Ok(());
    }
    let people = ["Ada", "Grace", "Linus"].map(|name| NewUser {
        email: format!("{}@example.org", name.to_lowercase()),
        name: name.to_owned(),
    });
    let people = users.insert_many(people).await?;
    for author in &people[..2] {
        let posts = (1..=3).map(|n| NewPost {
            author_id: author.id,
            title: format!("{} writes, part {n}", author.name),
        });
        let posts = PostRepository::new(db).insert_many(posts).await?;
        let comments = posts.iter().flat_map(|post| {
            people
                .iter()
                .filter(|person| person.id != author.id)
                .map(|person| NewComment {
                    post_id: post.id,
                    author_id: person.id,
                    body: format!("well put, {}", author.name),
                })
        });
        CommentRepository::new(db).insert_many(comments).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use entourage::testing::assert_constant_queries;

    use super::*;

    async fn more_authors(db: &Database, count: usize) -> Result<()> {
        let present = UserRepository::new(db).query().count().await?;
        let new = (present..).take(count).map(|number| NewUser {
            email: format!("{number}@example.org"),
            name: format!("Author {number}"),
        });
        let authors = UserRepository::new(db).insert_many(new).await?;
        let posts = authors.iter().map(|author| NewPost {
            author_id: author.id,
            title: format!("{} writes", author.name),
        });
        PostRepository::new(db).insert_many(posts).await.map(drop)
    }

    #[tokio::test]
    async fn the_page_takes_as_many_statements_for_many_authors_as_for_few() -> Result<()> {
        let db = Database::connect("sqlite::memory:").await?;
        db.create_schema::<(User, Post, Comment)>().await?;
        seed(&db).await?;
        let more = |count| more_authors(&db, count);
        assert_constant_queries!(db, scales = [1, 20], more, || page(&db));
        Ok(())
    }
}
