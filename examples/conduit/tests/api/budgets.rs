//! How many statements each endpoint sends: what the README says, whatever the number of rows.
use conduit::model::{
    Schema,
    article::{ArticleRepository, FavoriteRepository, NewArticle, NewFavorite},
    comment::{CommentRepository, NewComment},
    tag::{ArticleTagRepository, NewArticleTag, NewTag, TagRepository},
    user::{FollowRepository, NewFollow, NewUser, UserRepository},
};
use entourage::{dialect::Dialect, observe::Observed, testing::assert_constant_queries};
use serde_json::json;

use crate::client::{Answer, Client, Person};

pub async fn the_tables_are_those_of_the_entities(client: &Client) {
    let report = client.db.check_schema::<Schema>().await.unwrap();
    report.into_result().unwrap();
}

/// The people and the article that requests are about.
struct Scene<'a> {
    reader: Person<'a>,
    writer_id: i64,
    article_id: i64,
}

const SLUG: &str = "the-article";

impl<'a> Scene<'a> {
    async fn of(client: &'a Client) -> Self {
        let reader = client.user("reader").await;
        let writer = client.user("writer").await;
        let slug = writer.publish("The article", &["x", "y"]).await;
        assert_eq!(slug, SLUG);
        reader.ask("/api/profiles/writer/follow").await.expect(200);
        let article = ArticleRepository::new(&client.db)
            .find_by_slug(slug)
            .await
            .unwrap()
            .unwrap();
        Self {
            reader,
            writer_id: article.author_id,
            article_id: article.id,
        }
    }

    /// So many more users who follow the writer and like and comment on the article, and articles with tags.
    async fn grow(&self, count: usize) -> entourage::Result<()> {
        let db = &self.reader.client.db;
        let users = UserRepository::new(db);
        let present = users.query().count().await?;
        let name = |number: u64| format!("user {number}");
        let new = (present..).take(count).map(|number| NewUser {
            username: name(number),
            email: name(number),
            password_hash: String::new(),
            bio: String::new(),
            image: String::new(),
        });
        let people = users.insert_many(new).await?;
        let follows = people
            .iter()
            .map(|user| NewFollow::new(user.id, self.writer_id));
        FollowRepository::new(db).insert_many(follows).await?;
        let favorites = people
            .iter()
            .map(|user| NewFavorite::new(user.id, self.article_id));
        FavoriteRepository::new(db).insert_many(favorites).await?;
        let comments = people.iter().map(|user| NewComment {
            article_id: self.article_id,
            author_id: user.id,
            body: "well put".to_owned(),
        });
        CommentRepository::new(db).insert_many(comments).await?;
        let articles = people.iter().map(|user| NewArticle {
            author_id: self.writer_id,
            slug: format!("article-{}", user.id),
            title: "Article".to_owned(),
            description: "One of many".to_owned(),
            body: "Text".to_owned(),
            views: None,
        });
        let articles = ArticleRepository::new(db).insert_many(articles).await?;
        let tags = people
            .iter()
            .map(|user| NewTag::new(format!("tag {}", user.id)));
        let tags = TagRepository::new(db).insert_many(tags).await?;
        let links = articles
            .iter()
            .zip(&tags)
            .map(|(article, tag)| NewArticleTag {
                article_id: article.id,
                tag_id: tag.id,
                position: 0,
            });
        ArticleTagRepository::new(db)
            .insert_many(links)
            .await
            .map(drop)
    }
}

pub async fn lists_take_as_many_statements_for_many_rows_as_for_few(client: &Client) {
    let scene = Scene::of(client).await;
    let more = |count| scene.grow(count);
    for path in [
        "/api/articles?limit=100",
        "/api/articles?tag=x",
        "/api/articles?author=writer",
        "/api/articles?favorited=reader",
        "/api/articles/feed?limit=100",
        "/api/articles/the-article",
        "/api/articles/the-article/comments",
        "/api/profiles/writer",
        "/api/tags",
        "/",
        "/article/the-article",
        "/profile/writer",
    ] {
        let ask = async || {
            // The most that it takes: nothing is kept from the request before.
            client.db.cache().clear();
            scene.reader.get(path).await.expect(200);
        };
        assert_constant_queries!(client.db, scales = [1, 30], more, ask);
    }
}

/// Statements by a visitor and by somebody who is signed in; `None` where they are refused.
type Counts = (Option<usize>, Option<usize>);

/// The rows of the table in the README: endpoint, then visitor and member, for SQLite and MariaDB and then for
/// PostgreSQL, where a graph is loaded in one statement.
fn documented(dialect: Dialect) -> Vec<(String, Counts)> {
    let first = match dialect {
        Dialect::Sqlite | Dialect::Mysql => 1,
        Dialect::Postgres => 3,
    };
    let number = |cell: &str| cell.parse::<usize>().ok();
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let endpoint = cells.first()?.strip_prefix('`')?.strip_suffix('`')?;
        let counts = (number(cells.get(first)?), number(cells.get(first + 1)?));
        Some((endpoint.to_owned(), counts))
    };
    include_str!("../../README.md")
        .lines()
        .filter_map(row)
        .collect()
}

pub async fn every_endpoint_sends_what_the_readme_says(client: &Client) {
    let documented = documented(client.db.dialect());
    let scene = Scene::of(client).await;
    let mut measured = Vec::new();
    for scale in [1, 40] {
        scene.grow(scale).await.unwrap();
        let mut counts = Vec::new();
        for (endpoint, _) in &documented {
            let visitor = count(&scene, &client.nobody(), endpoint).await;
            let member = count(&scene, &scene.reader, endpoint).await;
            counts.push((endpoint.clone(), (visitor, member)));
        }
        measured.push(counts);
    }
    let table = |counts: &[(String, Counts)]| {
        let cell = |count: Option<usize>| count.map_or("-".to_owned(), |count| count.to_string());
        let row = |(endpoint, (visitor, member)): &(String, Counts)| {
            format!(
                "| `{endpoint}` | {} | {} |\n",
                cell(*visitor),
                cell(*member)
            )
        };
        counts.iter().map(row).collect::<String>()
    };
    assert_eq!(
        table(&measured[0]),
        table(&measured[1]),
        "the number of statements grows"
    );
    assert_eq!(
        table(&documented),
        table(&measured[1]),
        "the README is out of date"
    );
    assert!(documented.len() >= 20, "{documented:?}");
}

/// What the lint of indexes says once each endpoint was asked, by anybody and by a member.
pub async fn what_the_endpoints_look_for_has_an_index(client: &Client) {
    let scene = Scene::of(client).await;
    scene.grow(20).await.unwrap();
    let recording = client.db.recorded();
    for (endpoint, _) in documented(client.db.dialect()) {
        count(&scene, &client.nobody(), &endpoint).await;
        count(&scene, &scene.reader, &endpoint).await;
    }
    for filter in ["tag=x", "author=writer", "favorited=reader"] {
        let path = format!("/api/articles?{filter}");
        scene.reader.get(&path).await.expect(200);
    }
    assert!(recording.count() > 50, "{}", recording.count());
    let report = client
        .db
        .lint::<Schema>()
        .recorded(&recording)
        .await
        .unwrap();
    report.into_result().unwrap();
}

/// How many statements a request sends; `None` if who asks is not allowed to.
async fn count(scene: &Scene<'_>, person: &Person<'_>, endpoint: &str) -> Option<usize> {
    let comment = prepare(scene, endpoint).await;
    let scope = scene.reader.client.db.scope();
    let answer = scope.run(ask(person, endpoint, comment)).await;
    match answer.status.as_u16() {
        401 => None,
        200 | 201 | 204 => Some(scope.count()),
        status => panic!("{endpoint}: {status} {}", answer.body),
    }
}

const OWN: &str = "/api/articles/of-the-reader";

/// Makes what the request removes or takes back; the key of a comment if it is one.
async fn prepare(scene: &Scene<'_>, endpoint: &str) -> i64 {
    let reader = &scene.reader;
    match endpoint {
        "PUT /api/articles/{slug}" | "DELETE /api/articles/{slug}" => {
            reader.delete(OWN).await;
            reader.delete("/api/articles/with-another-title").await;
            reader.publish("Of the reader", &["x", "z"]).await;
        }
        "POST /api/articles" => {
            reader.delete("/api/articles/new").await;
        }
        "DELETE /api/articles/{slug}/favorite" => {
            reader
                .ask(&format!("/api/articles/{SLUG}/favorite"))
                .await
                .expect(200);
        }
        "GET /api/articles/feed" | "DELETE /api/profiles/{username}/follow" => {
            reader.ask("/api/profiles/writer/follow").await.expect(200);
        }
        // Both show the tags, which somebody else has asked for before.
        "GET /api/tags" | "GET /" => {
            reader.get("/api/tags").await.expect(200);
        }
        "DELETE /api/articles/{slug}/comments/{id}" => return reader.comment(SLUG, "wrong").await,
        _ => {}
    }
    0
}

async fn ask(person: &Person<'_>, endpoint: &str, comment: i64) -> Answer {
    let path = endpoint
        .replace("{slug}", SLUG)
        .replace("{username}", "writer");
    let path = path.replace("{id}", &comment.to_string());
    let (method, path) = path.split_once(' ').unwrap();
    match endpoint {
        "POST /api/users" => {
            let name = uuid::Uuid::new_v4().to_string();
            let user =
                json!({ "username": name, "email": format!("{name}@x"), "password": "secret" });
            person.post(path, json!({ "user": user })).await
        }
        "POST /api/users/login" => {
            let user = json!({ "email": "writer@example.org", "password": "secret" });
            person.post(path, json!({ "user": user })).await
        }
        "PUT /api/user" => {
            person
                .put(path, json!({ "user": { "bio": "reads" } }))
                .await
        }
        "POST /api/articles" => {
            let tags = json!(["x", "new"]);
            let article =
                json!({ "title": "New", "description": "d", "body": "b", "tagList": tags });
            person.post(path, json!({ "article": article })).await
        }
        "PUT /api/articles/{slug}" => {
            let article = json!({ "title": "With another title", "tagList": ["x"] });
            person.put(OWN, json!({ "article": article })).await
        }
        "DELETE /api/articles/{slug}" => person.delete(OWN).await,
        "POST /api/articles/{slug}/comments" => {
            person
                .post(path, json!({ "comment": { "body": "well put" } }))
                .await
        }
        _ if method == "GET" => person.get(path).await,
        _ if method == "POST" => person.ask(path).await,
        _ => person.delete(path).await,
    }
}
