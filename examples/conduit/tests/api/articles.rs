//! Articles: lists, the feed, one at a time, favorites.
use serde_json::{Value, json};

use crate::client::{Client, Person};

fn slugs(list: &Value) -> Vec<&str> {
    let articles = list["articles"].as_array().unwrap().iter();
    articles
        .map(|article| article["slug"].as_str().unwrap())
        .collect()
}

async fn listed(person: &Person<'_>, query: &str) -> (Vec<String>, u64) {
    let list = person
        .get(&format!("/api/articles{query}"))
        .await
        .expect(200);
    let slugs = slugs(&list).into_iter().map(str::to_owned).collect();
    (slugs, list["articlesCount"].as_u64().unwrap())
}

pub async fn an_article_is_published_read_changed_and_removed(client: &Client) {
    let ada = client.user("ada").await;
    let draft = json!({ "article": {
        "title": "How to train your dragon",
        "description": "Ever wonder how?",
        "body": "You have to believe",
        "tagList": ["reactjs", "angularjs", " dragons ", "reactjs"],
    }});
    let body = ada.post("/api/articles", draft).await.expect(201);
    let article = body["article"].clone();
    assert_eq!(article["slug"], "how-to-train-your-dragon");
    // In the order given, each once.
    assert_eq!(
        article["tagList"],
        json!(["reactjs", "angularjs", "dragons"])
    );
    assert_eq!(article["body"], "You have to believe");
    assert_eq!(
        (&article["favorited"], &article["favoritesCount"]),
        (&json!(false), &json!(0))
    );
    let author = json!({ "username": "ada", "bio": "", "image": "", "following": false });
    assert_eq!(article["author"], author);
    let created = article["createdAt"].as_str().unwrap();
    assert!(
        created.len() == 24 && &created[19..20] == "." && created.ends_with('Z'),
        "{created}"
    );

    let path = "/api/articles/how-to-train-your-dragon";
    let read = client.nobody().get(path).await.expect(200);
    assert_eq!(read["article"], article);

    let change = json!({ "article": { "body": "Give it a fish" } });
    let changed = ada.put(path, change).await.expect(200);
    assert_eq!(changed["article"]["body"], "Give it a fish");
    assert_eq!(changed["article"]["slug"], article["slug"]);
    assert_eq!(changed["article"]["tagList"], article["tagList"]);
    assert_eq!(changed["article"]["createdAt"], article["createdAt"]);

    let change = json!({ "article": { "title": "On dragons", "tagList": ["dragons", "fish"] } });
    let changed = ada.put(path, change).await.expect(200);
    assert_eq!(changed["article"]["slug"], "on-dragons");
    assert_eq!(changed["article"]["tagList"], json!(["dragons", "fish"]));
    ada.get(path).await.refused(404, "article", "not found");

    ada.comment("on-dragons", "mine").await;
    ada.ask("/api/articles/on-dragons/favorite")
        .await
        .expect(200);
    let answer = ada.delete("/api/articles/on-dragons").await;
    assert_eq!(answer.expect(204), "");
    let answer = ada.get("/api/articles/on-dragons").await;
    answer.refused(404, "article", "not found");
}

pub async fn a_list_is_in_order_and_has_no_bodies(client: &Client) {
    let ada = client.user("ada").await;
    ada.publish("One", &["x"]).await;
    ada.publish("Two", &["y", "x"]).await;
    let list = client.nobody().get("/api/articles").await.expect(200);
    assert_eq!(slugs(&list), ["two", "one"]);
    assert_eq!(list["articlesCount"], 2);
    let article = list["articles"][0].as_object().unwrap();
    let fields: Vec<&str> = article.keys().map(String::as_str).collect();
    let expected = [
        "author",
        "createdAt",
        "description",
        "favorited",
        "favoritesCount",
        "slug",
        "tagList",
        "title",
        "updatedAt",
    ];
    assert_eq!(fields, expected);
    assert_eq!(article["tagList"], json!(["y", "x"]));
}

pub async fn a_list_is_filtered_and_cut(client: &Client) {
    let ada = client.user("ada").await;
    let bea = client.user("bea").await;
    for number in 1..=3 {
        ada.publish(&format!("A {number}"), &["all", "ada"]).await;
    }
    bea.publish("B 1", &["all"]).await;
    bea.ask("/api/articles/a-1/favorite").await.expect(200);
    let nobody = client.nobody();
    let check = async |query: &str, expected: &[&str], total: u64| {
        let (slugs, count) = listed(&nobody, query).await;
        assert_eq!(
            (slugs, count),
            (
                expected.iter().map(|slug| (*slug).to_owned()).collect(),
                total
            ),
            "{query}"
        );
    };
    check("?tag=all", &["b-1", "a-3", "a-2", "a-1"], 4).await;
    check("?tag=ada&limit=2", &["a-3", "a-2"], 3).await;
    check("?tag=ada&limit=2&offset=2", &["a-1"], 3).await;
    check("?offset=9", &[], 4).await;
    check("?author=bea", &["b-1"], 1).await;
    check("?author=nobody", &[], 0).await;
    check("?favorited=bea", &["a-1"], 1).await;
    check("?favorited=bea&author=bea", &[], 0).await;
    check("?tag=all&author=ada&favorited=bea", &["a-1"], 1).await;
    for query in [
        "?limit=0",
        "?limit=x",
        "?offset=-1",
        "?offset=18446744073709551615",
    ] {
        let body = nobody
            .get(&format!("/api/articles{query}"))
            .await
            .expect(422);
        assert!(body["errors"].is_object(), "{query}: {body}");
    }
}

pub async fn the_feed_is_of_those_whom_one_follows(client: &Client) {
    let ada = client.user("ada").await;
    let bea = client.user("bea").await;
    let cleo = client.user("cleo").await;
    bea.publish("B 1", &[]).await;
    cleo.publish("C 1", &[]).await;
    bea.publish("B 2", &[]).await;
    let feed = "/api/articles/feed";
    assert_eq!(
        ada.get(feed).await.expect(200),
        json!({ "articles": [], "articlesCount": 0 })
    );
    ada.ask("/api/profiles/bea/follow").await.expect(200);
    let list = ada.get(feed).await.expect(200);
    assert_eq!(
        (slugs(&list), &list["articlesCount"]),
        (vec!["b-2", "b-1"], &json!(2))
    );
    assert_eq!(list["articles"][0]["author"]["following"], true);
    assert!(list["articles"][0].get("body").is_none());
    let list = ada
        .get("/api/articles/feed?limit=1&offset=1")
        .await
        .expect(200);
    assert_eq!(slugs(&list), ["b-1"]);
}

pub async fn a_favorite_is_counted_once(client: &Client) {
    let ada = client.user("ada").await;
    let bea = client.user("bea").await;
    let slug = ada.publish("Notes", &[]).await;
    let path = format!("/api/articles/{slug}/favorite");
    let seen = |body: &Value| {
        let article = &body["article"];
        (
            article["favorited"].as_bool().unwrap(),
            article["favoritesCount"].as_i64().unwrap(),
        )
    };
    for _ in 0..2 {
        assert_eq!(seen(&bea.ask(&path).await.expect(200)), (true, 1));
    }
    assert_eq!(seen(&ada.ask(&path).await.expect(200)), (true, 2));
    let list = bea.get("/api/articles").await.expect(200);
    assert_eq!(list["articles"][0]["favorited"], true);
    assert_eq!(list["articles"][0]["favoritesCount"], 2);
    for _ in 0..2 {
        assert_eq!(seen(&bea.delete(&path).await.expect(200)), (false, 1));
    }
    client
        .nobody()
        .ask(&path)
        .await
        .refused(401, "token", "is missing");
    client
        .nobody()
        .delete(&path)
        .await
        .refused(401, "token", "is missing");
    let missing = "/api/articles/nothing/favorite";
    bea.ask(missing).await.refused(404, "article", "not found");
    bea.delete(missing)
        .await
        .refused(404, "article", "not found");
}

pub async fn only_the_author_changes_an_article(client: &Client) {
    let ada = client.user("ada").await;
    let bea = client.user("bea").await;
    let path = format!("/api/articles/{}", ada.publish("Notes", &["x"]).await);
    let change = || json!({ "article": { "body": "nonsense", "tagList": [] } });
    bea.put(&path, change())
        .await
        .refused(403, "article", "is not yours");
    bea.delete(&path)
        .await
        .refused(403, "article", "is not yours");
    let nobody = client.nobody();
    nobody
        .put(&path, change())
        .await
        .refused(401, "token", "is missing");
    nobody
        .delete(&path)
        .await
        .refused(401, "token", "is missing");
    let read = nobody.get(&path).await.expect(200);
    assert_eq!(read["article"]["body"], "the text of Notes");
    assert_eq!(read["article"]["tagList"], json!(["x"]));
}

pub async fn equal_titles_have_different_slugs(client: &Client) {
    let ada = client.user("ada").await;
    let bea = client.user("bea").await;
    let (first, second) = (
        ada.publish("Notes", &[]).await,
        bea.publish("Notes", &[]).await,
    );
    assert_eq!(first, "notes");
    assert!(second.starts_with("notes-"), "{second}");
    let read = ada
        .get(&format!("/api/articles/{second}"))
        .await
        .expect(200);
    assert_eq!(read["article"]["author"]["username"], "bea");
    // The title as it is keeps the slug as it is.
    let change = json!({ "article": { "title": "Notes" } });
    let body = ada.put("/api/articles/notes", change).await.expect(200);
    assert_eq!(body["article"]["slug"], "notes");
}

pub async fn an_article_that_is_not_there_is_told(client: &Client) {
    let ada = client.user("ada").await;
    let path = "/api/articles/nothing";
    ada.get(path).await.refused(404, "article", "not found");
    ada.delete(path).await.refused(404, "article", "not found");
    let change = json!({ "article": { "body": "x" } });
    ada.put(path, change)
        .await
        .refused(404, "article", "not found");
    for path in ["/api/articles/%00", "/api/articles?tag=%00"] {
        ada.get(path).await.refused(422, "path", "is invalid");
    }
    ada.get("/api/articles/%FF").await.expect(400);
}

pub async fn an_article_is_checked(client: &Client) {
    let ada = client.user("ada").await;
    let body = ada
        .post("/api/articles", json!({ "article": { "title": "" } }))
        .await
        .expect(422);
    let blank = json!(["can't be blank"]);
    let expected = json!({ "errors": { "title": blank, "description": blank, "body": blank } });
    assert_eq!(body, expected);
    let draft = json!({ "article": {
        "title": "t", "description": "d", "body": "b", "tagList": ["x".repeat(51)],
    }});
    let answer = ada.post("/api/articles", draft.clone()).await;
    answer.refused(422, "tagList", "is too long (at most 50 characters)");
    let answer = client.nobody().post("/api/articles", draft).await;
    answer.refused(401, "token", "is missing");
    let path = format!("/api/articles/{}", ada.publish("Notes", &[]).await);
    let answer = ada.put(&path, json!({ "article": { "body": " " } })).await;
    answer.refused(422, "body", "can't be blank");
}

pub async fn two_authors_may_use_the_same_new_tags_at_once(client: &Client) {
    let people = [client.user("ada").await, client.user("bea").await];
    let tags = ["north", "east", "south", "west"];
    let turned = ["west", "south", "east", "north"];
    for round in 0..5 {
        // The title is the same as well: one of them gets another slug.
        let title = format!("Round {round}");
        let names: Vec<String> = tags.iter().map(|tag| format!("{tag} {round}")).collect();
        let other: Vec<String> = turned.iter().map(|tag| format!("{tag} {round}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let other: Vec<&str> = other.iter().map(String::as_str).collect();
        let (one, two) = (
            people[0].publish(&title, &names),
            people[1].publish(&title, &other),
        );
        let (one, two) = tokio::join!(one, two);
        for (slug, tags) in [(one, names), (two, other)] {
            let read = people[0]
                .get(&format!("/api/articles/{slug}"))
                .await
                .expect(200);
            assert_eq!(read["article"]["tagList"], json!(tags));
        }
    }
}
