//! Accounts and signing in.
use serde_json::{Value, json};

use crate::client::Client;

fn registration(name: &str, email: &str) -> Value {
    json!({ "user": { "username": name, "email": email, "password": "secret" } })
}

fn login(email: &str, password: &str) -> Value {
    json!({ "user": { "email": email, "password": password } })
}

pub async fn somebody_registers_and_is_known_by_the_token(client: &Client) {
    let nobody = client.nobody();
    let asked = registration("ada", "Ada@Example.org");
    let body = nobody.post("/api/users", asked).await.expect(201);
    let user = body["user"].as_object().unwrap();
    let fields: Vec<&str> = user.keys().map(String::as_str).collect();
    assert_eq!(fields, ["bio", "email", "image", "token", "username"]);
    assert_eq!(user["username"], "ada");
    assert_eq!(user["email"], "ada@example.org");
    assert_eq!((&user["bio"], &user["image"]), (&json!(""), &json!("")));

    let asked = login("ada@example.ORG", "secret");
    let body = nobody.post("/api/users/login", asked).await.expect(200);
    let token = body["user"]["token"].as_str().unwrap();
    for scheme in ["Token", "Bearer", "token"] {
        let ada = client.with_header(format!("{scheme} {token}"));
        let body = ada.get("/api/user").await.expect(200);
        assert_eq!(body["user"]["username"], "ada");
    }
}

pub async fn a_name_or_address_is_taken_once(client: &Client) {
    client.user("ada").await;
    let nobody = client.nobody();
    let taken = "has already been taken";
    let asked = registration("ada", "other@example.org");
    let answer = nobody.post("/api/users", asked).await;
    answer.refused(409, "username", taken);
    let asked = registration("other", "ADA@example.org");
    let answer = nobody.post("/api/users", asked).await;
    answer.refused(409, "email", taken);

    let bea = client.user("bea").await;
    let change = json!({ "user": { "username": "ada" } });
    let answer = bea.put("/api/user", change).await;
    answer.refused(409, "username", taken);
    let change = json!({ "user": { "email": "ada@example.org" } });
    let answer = bea.put("/api/user", change).await;
    answer.refused(409, "email", taken);
}

pub async fn what_is_missing_or_makes_no_sense_is_told_by_field(client: &Client) {
    let nobody = client.nobody();
    let asked = json!({ "user": { "email": "no address", "password": " " } });
    let body = nobody.post("/api/users", asked).await.expect(422);
    let expected = json!({ "errors": {
        "email": ["is invalid"],
        "password": ["can't be blank"],
        "username": ["can't be blank"],
    }});
    assert_eq!(body, expected);
    let long = registration(&"a".repeat(101), "ada@example.org");
    let answer = nobody.post("/api/users", long).await;
    answer.refused(422, "username", "is too long (at most 100 characters)");
    let null = registration("a\0b", "ada@example.org");
    let answer = nobody.post("/api/users", null).await;
    answer.refused(422, "username", "is invalid");
    for asked in [json!({}), json!({ "user": { "username": 7 } }), json!([])] {
        let body = nobody.post("/api/users", asked).await.expect(422);
        assert!(body["errors"]["body"][0].is_string(), "{body}");
    }
    let asked = json!({ "user": { "email": "ada@example.org" } });
    let answer = nobody.post("/api/users/login", asked).await;
    answer.refused(422, "password", "can't be blank");
}

pub async fn a_wrong_password_is_refused_like_an_unknown_address(client: &Client) {
    client.user("ada").await;
    for (email, password) in [("ada@example.org", "Secret"), ("bea@example.org", "secret")] {
        let nobody = client.nobody();
        let answer = nobody
            .post("/api/users/login", login(email, password))
            .await;
        answer.refused(401, "credentials", "are invalid");
    }
}

pub async fn a_token_is_needed_and_checked(client: &Client) {
    let nobody = client.nobody();
    for path in ["/api/user", "/api/articles/feed"] {
        let answer = nobody.get(path).await;
        assert_eq!(answer.headers["www-authenticate"], "Token");
        answer.refused(401, "token", "is missing");
    }
    let change = json!({ "user": { "bio": "x" } });
    let answer = nobody.put("/api/user", change).await;
    answer.refused(401, "token", "is missing");
    for header in ["Token x.y.z", "Basic eDp5", "Token", ""] {
        let stranger = client.with_header(header);
        let answer = stranger.get("/api/user").await;
        answer.refused(401, "token", "is invalid");
        // Where nobody need be signed in, a token that is given must still be right.
        let answer = stranger.get("/api/articles").await;
        answer.refused(401, "token", "is invalid");
    }
    let gone = client.with_header(format!("Token {}", client.app.tokens.sign(4711)));
    let answer = gone.get("/api/user").await;
    answer.refused(401, "token", "is of no user");
}

pub async fn an_account_is_changed(client: &Client) {
    let ada = client.user("ada").await;
    let change = json!({ "user": {
        "username": "Ada L.", "email": "New@example.org", "password": "better", "bio": "writes", "image": "http://x/y.png",
    }});
    let body = ada.put("/api/user", change).await.expect(200);
    let user = &body["user"];
    assert_eq!(
        (&user["username"], &user["email"]),
        (&json!("Ada L."), &json!("new@example.org"))
    );
    assert_eq!(
        (&user["bio"], &user["image"]),
        (&json!("writes"), &json!("http://x/y.png"))
    );

    let nobody = client.nobody();
    let old = login("new@example.org", "secret");
    nobody.post("/api/users/login", old).await.expect(401);
    let new = login("new@example.org", "better");
    nobody.post("/api/users/login", new).await.expect(200);

    // What is not given, or null, stays; an empty text clears what may be empty.
    let change = json!({ "user": { "bio": "", "username": null } });
    let body = ada.put("/api/user", change).await.expect(200);
    let user = &body["user"];
    assert_eq!(
        (&user["bio"], &user["username"]),
        (&json!(""), &json!("Ada L."))
    );
    let nothing = json!({ "user": {} });
    ada.put("/api/user", nothing).await.expect(200);
    let empty = json!({ "user": { "username": "", "email": "" } });
    let body = ada.put("/api/user", empty).await.expect(422);
    assert_eq!(body["errors"]["username"], json!(["can't be blank"]));
    assert_eq!(body["errors"]["email"], json!(["can't be blank"]));
}
