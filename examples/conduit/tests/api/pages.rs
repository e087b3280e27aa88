//! The pages: read by visitors, written by members, safe from both.
use axum::{
    body::Body,
    http::{Request, header},
};

use crate::client::{Answer, Client};

/// A browser: it keeps the cookie of its session.
struct Browser<'a> {
    client: &'a Client,
    cookie: Option<String>,
}

impl Browser<'_> {
    fn of(client: &Client) -> Browser<'_> {
        Browser {
            client,
            cookie: None,
        }
    }

    async fn get(&self, path: &str) -> Answer {
        let mut request = Request::get(path);
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, format!("other=1; {cookie}"));
        }
        self.client.send(request.body(Body::empty()).unwrap()).await
    }

    async fn send(&mut self, path: &str, form: &str, site: &str) -> Answer {
        let mut request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", site);
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let request = request.body(Body::from(form.to_owned())).unwrap();
        let answer = self.client.send(request).await;
        if let Some(cookie) = answer.headers.get(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.contains("; HttpOnly; SameSite=Lax; "), "{cookie}");
            self.cookie = Some(cookie.split(';').next().unwrap().to_owned());
        }
        answer
    }

    /// Sends a form and returns where the browser is sent to.
    async fn post(&mut self, path: &str, form: &str) -> String {
        let answer = self.send(path, form, "same-origin").await;
        assert_eq!(answer.status, 303, "{path}: {}", answer.body);
        answer.headers[header::LOCATION]
            .to_str()
            .unwrap()
            .to_owned()
    }

    async fn register(&mut self, name: &str) {
        let form = format!("username={name}&email={name}%40example.org&password=secret");
        assert_eq!(self.post("/register", &form).await, "/");
    }
}

pub async fn a_visitor_reads(client: &Client) {
    let ada = client.user("ada").await;
    for number in 1..=12 {
        ada.publish(&format!("Notes {number}"), &["looms"]).await;
    }
    ada.comment("notes-1", "well put").await;
    let visitor = Browser::of(client);
    let home = visitor.get("/").await;
    assert!(
        home.headers["content-security-policy"]
            .to_str()
            .unwrap()
            .contains("default-src 'none'")
    );
    let home = home.page(200);
    assert!(
        home.contains("Notes 12") && !home.contains("Notes 2<"),
        "{home}"
    );
    assert!(
        home.contains(r#"href="/?page=2""#) && home.contains(r#"href="/?tag=looms""#),
        "{home}"
    );
    assert!(home.contains("Sign up"));
    let older = visitor.get("/?tag=looms&page=2").await.page(200);
    assert!(
        older.contains("Notes 2<") && older.contains(r#"href="/?tag=looms&#38;page=1""#),
        "{older}"
    );
    let article = visitor.get("/article/notes-1").await.page(200);
    assert!(
        article.contains("the text of Notes 1") && article.contains("well put"),
        "{article}"
    );
    assert!(!article.contains("<form"), "{article}");
    assert!(
        visitor
            .get("/profile/ada")
            .await
            .page(200)
            .contains("Notes 12")
    );
    assert!(
        visitor
            .get("/profile/nobody")
            .await
            .page(404)
            .contains("profile not found")
    );
    assert!(
        visitor
            .get("/nothing")
            .await
            .page(404)
            .contains("page not found")
    );
    assert!(visitor.get("/style.css").await.page(200).contains("body"));
    // What is for members leads to the door.
    for path in ["/editor", "/settings"] {
        assert_eq!(visitor.get(path).await.headers[header::LOCATION], "/login");
    }
}

pub async fn a_member_writes_and_is_read(client: &Client) {
    let mut ada = Browser::of(client);
    ada.register("ada").await;
    assert!(ada.get("/").await.page(200).contains("Sign out"));
    let form = "title=On+looms&description=Patterns&body=One%0D%0A%0D%0ATwo&tags=looms%2C+cards";
    assert_eq!(ada.post("/editor", form).await, "/article/on-looms");
    let article = ada.get("/article/on-looms").await.page(200);
    assert!(
        article.contains("<p>One</p>") && article.contains("<p>Two</p>"),
        "{article}"
    );
    assert!(
        ada.get("/editor/on-looms")
            .await
            .page(200)
            .contains("looms, cards")
    );
    let form = "title=On+looms&description=Patterns&body=Three&tags=cards";
    ada.post("/editor/on-looms", form).await;

    let mut bea = Browser::of(client);
    bea.register("bea").await;
    bea.post("/article/on-looms/favorite", "on=true").await;
    bea.post("/profile/ada/follow", "on=true").await;
    bea.post("/article/on-looms/comments", "body=well+put")
        .await;
    let article = bea.get("/article/on-looms").await.page(200);
    assert!(
        article.contains("♥ 1") && article.contains("Unfollow ada"),
        "{article}"
    );
    assert!(
        article.contains("well put") && article.contains("Three"),
        "{article}"
    );
    assert!(bea.get("/?feed=own").await.page(200).contains("On looms"));
    assert!(
        bea.get("/profile/bea?favorites=own")
            .await
            .page(200)
            .contains("On looms")
    );
    assert!(
        bea.get("/editor/on-looms")
            .await
            .page(403)
            .contains("article is not yours")
    );
    let answer = bea
        .send("/article/on-looms/delete", "", "same-origin")
        .await;
    answer.page(403);

    let settings = ada.get("/settings").await.page(200);
    assert!(
        settings.contains("ada@example.org") && !settings.contains("argon2"),
        "{settings}"
    );
    let form = "username=ada&email=ada%40example.org&bio=hello&image=&password=";
    assert_eq!(ada.post("/settings", form).await, "/profile/ada");
    assert!(ada.get("/profile/ada").await.page(200).contains("hello"));
    assert_eq!(ada.post("/article/on-looms/delete", "").await, "/");
    ada.get("/article/on-looms").await.page(404);
    assert_eq!(ada.post("/logout", "").await, "/");
    assert!(ada.get("/").await.page(200).contains("Sign in"));
    let again = "email=ada%40example.org&password=secret";
    assert_eq!(ada.post("/login", again).await, "/");
    assert!(ada.get("/").await.page(200).contains("Sign out"));
}

pub async fn what_users_write_is_text_and_not_html(client: &Client) {
    let evil = "<script>alert(1)</script>";
    let ada = client.user(evil).await;
    let slug = ada.publish(evil, &[evil]).await;
    ada.comment(&slug, evil).await;
    let visitor = Browser::of(client);
    let name = "%3Cscript%3Ealert%281%29%3C%2Fscript%3E";
    for path in [
        "/",
        &format!("/article/{slug}"),
        &format!("/profile/{name}"),
        &format!("/?tag={name}"),
    ] {
        let page = visitor.get(path).await.page(200);
        assert!(
            !page.contains("<script") && page.contains("&#60;script&#62;"),
            "{page}"
        );
    }
    let page = visitor.get("/").await.page(200);
    assert!(
        page.contains(&format!("href=\"/profile/{name}\"")),
        "{page}"
    );
}

pub async fn a_form_of_another_site_is_refused(client: &Client) {
    let mut ada = Browser::of(client);
    ada.register("ada").await;
    for site in ["cross-site", "same-site"] {
        let form = "title=Spam&description=Spam&body=Spam&tags=";
        let answer = ada.send("/editor", form, site).await;
        assert!(answer.page(403).contains("form is not yours"));
    }
    assert!(!ada.get("/").await.page(200).contains("Spam"));
}

pub async fn a_form_says_what_is_wrong(client: &Client) {
    client.user("ada").await;
    let mut visitor = Browser::of(client);
    let form = "email=ada%40example.org&password=wrong";
    let answer = visitor.send("/login", form, "same-origin").await;
    let page = answer.page(401);
    assert!(
        page.contains("credentials are invalid") && page.contains("ada@example.org"),
        "{page}"
    );
    assert!(!page.contains("wrong"), "{page}");
    let form = "username=ada&email=new%40example.org&password=secret";
    let answer = visitor.send("/register", form, "same-origin").await;
    assert!(answer.page(409).contains("username has already been taken"));
    let mut bea = Browser::of(client);
    bea.register("bea").await;
    let form = "title=&description=Kept&body=Kept+too&tags=";
    let answer = bea.send("/editor", form, "same-origin").await;
    let page = answer.page(422);
    assert!(
        page.contains("title can&#39;t be blank") && page.contains("Kept too"),
        "{page}"
    );
    let form = "username=&email=bea%40example.org&bio=&image=&password=";
    let answer = bea.send("/settings", form, "same-origin").await;
    assert!(answer.page(422).contains("username can&#39;t be blank"));
}
