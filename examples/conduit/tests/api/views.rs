//! Views: counted in memory, written behind, and told to nobody but the readers of pages.
use conduit::model::article::ArticleRepository;

use crate::client::Client;

/// How often an article was looked at, as the database knows it.
pub async fn written(client: &Client, slug: &str) -> i64 {
    let articles = ArticleRepository::new(&client.db);
    let article = articles.find_by_slug(slug.to_owned()).await.unwrap();
    article.unwrap().views
}

pub async fn a_view_is_counted_behind_and_shown_on_the_page(client: &Client) {
    let ada = client.user("ada").await;
    let slug = ada.publish("Notes", &["x"]).await;
    let path = format!("/api/articles/{slug}");
    let before = ada.get(&path).await.expect(200);
    client.nobody().get(&path).await.expect(200);
    let page = client.nobody().get("/article/notes").await.page(200);
    assert!(page.contains("0 views"), "{page}");
    // Neither lists nor what is not there is a view.
    ada.get("/api/articles").await.expect(200);
    ada.get("/api/articles/nothing").await.expect(404);
    assert_eq!(written(client, &slug).await, 0);

    let sent = client.db.recorded();
    client.app.views.flush().await.unwrap();
    let sent = sent.statements();
    let updates: Vec<_> = sent
        .iter()
        .filter(|run| run.table() == "articles")
        .collect();
    assert_eq!(updates.len(), 1, "three views are one row: {sent:?}");
    assert_eq!(written(client, &slug).await, 3);
    let page = client.nobody().get("/article/notes").await.page(200);
    assert!(page.contains("3 views"), "{page}");
    // The contract knows no views, and to be looked at is no change.
    let after = ada.get(&path).await.expect(200);
    assert_eq!(before, after);
    assert!(after["article"].get("views").is_none(), "{after}");
}

pub async fn views_of_an_article_that_is_gone_are_forgotten(client: &Client) {
    let ada = client.user("ada").await;
    let gone = ada.publish("Gone", &[]).await;
    let stays = ada.publish("Stays", &[]).await;
    let look = async |slug: &str| {
        let path = format!("/api/articles/{slug}");
        client.nobody().get(&path).await.expect(200);
    };
    look(&gone).await;
    look(&stays).await;
    ada.delete(&format!("/api/articles/{gone}"))
        .await
        .expect(204);
    client.app.views.flush().await.unwrap();
    assert_eq!(written(client, &stays).await, 1);
    assert_eq!(client.app.views.stats().dead_letters, 1);
    look(&stays).await;
    assert_eq!(client.app.views.stats().dead_letters, 0);
    client.app.views.stop().await.unwrap();
    assert_eq!(written(client, &stays).await, 2);
    // A page is shown whether it can be counted or not.
    look(&stays).await;
    assert_eq!(written(client, &stays).await, 2);
}
