//! The inspector: what it says of a request, and what it asks the database.

use entourage::{Database, Error, dialect::Dialect, inspector::Inspector, prelude::*};
use http::StatusCode;
use serde_json::{Value, json};

use crate::{inspection::Stage, models::blog::*};

fn stage(db: &Database) -> Stage {
    Stage::new(Inspector::new(db).enable().authorize(|_| true))
}

/// The position of the first statement whose text starts with `start`.
fn at(detail: &Value, start: &str) -> u64 {
    let statements = detail["statements"].as_array().unwrap();
    let found = statements
        .iter()
        .find(|run| run["sql"].as_str().unwrap().starts_with(start));
    found.expect("it was sent")["index"].as_u64().unwrap()
}

pub async fn a_request_is_shown_with_its_n_plus_one_and_the_fix(db: &Database) {
    seed(db).await.unwrap();
    let (stage, users) = (stage(db), db.clone());
    let count = stage
        .play("/users/17", async move {
            let found = UserRepository::new(&users).query().all().await.unwrap();
            for user in &found {
                let posts = PostRepository::new(&users).filter(Post::AUTHOR_ID.eq(user.id));
                posts.all().await.unwrap();
            }
            found.len()
        })
        .await;
    let (_, list) = stage.get("/requests.json?since=0").await;
    let request = &list["requests"][0];
    assert_eq!(
        (&request["route"], &request["path"], &request["status"]),
        (&json!("/users/{id}"), &json!("/users/17"), &json!(200))
    );
    assert_eq!(request["statements"], json!(count + 1));
    assert_eq!(
        (&request["distinct"], &request["n_plus_one"]),
        (&json!(2), &json!(1))
    );
    assert!(
        request["total_ms"].as_f64().unwrap() >= request["busy_ms"].as_f64().unwrap(),
        "{request}"
    );
    let detail = stage.newest().await;
    let verdict = &detail["verdicts"][0];
    assert_eq!(verdict["kind"], "n_plus_one");
    let fix = verdict["fix"].as_str().unwrap();
    assert!(fix.starts_with("add `.with(User::POSTS)`"), "{fix}");
    let effect = verdict["effect"].as_str().unwrap();
    assert!(
        effect.starts_with(&format!("{} statements become 2", count + 1)),
        "{effect}"
    );
    assert_eq!(verdict["statements"].as_array().unwrap().len(), count);
    assert_eq!(detail["statements"].as_array().unwrap().len(), count + 1);
}

pub async fn a_recorded_read_is_explained_as_the_database_prints_it(db: &Database) {
    let users = seed(db).await.unwrap();
    let (stage, inner, id) = (stage(db), db.clone(), users[0].id);
    let find = async move {
        UserRepository::new(&inner)
            .filter(User::ID.eq(id))
            .all()
            .await
    };
    stage.play("/", find).await.unwrap();
    let detail = stage.newest().await;
    assert_eq!(
        detail["statements"][0]["arguments"],
        json!([id.to_string()])
    );
    let recording = db.recorded();
    let (status, plan) = stage.post("/requests/1/statements/0/explain").await;
    assert_eq!(status, StatusCode::OK, "{plan}");
    let text = plan["plan"].as_str().unwrap();
    assert!(text.contains("users"), "{text}");
    let sent: Vec<_> = recording
        .statements()
        .iter()
        .map(|run| run.sql.to_string())
        .collect();
    let explain = sent
        .iter()
        .position(|sql| sql.starts_with("EXPLAIN "))
        .unwrap();
    assert!(sent[explain + 1].starts_with("ROLLBACK"), "{sent:?}");
    let (status, plan) = stage.post("/requests/1/statements/0/analyze").await;
    if db.dialect() == Dialect::Sqlite {
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            plan["error"]
                .as_str()
                .unwrap()
                .contains("SQLite has no EXPLAIN ANALYZE"),
            "{plan}"
        );
    } else {
        assert_eq!(status, StatusCode::OK, "{plan}");
        assert!(plan["plan"].as_str().unwrap().contains("rows"), "{plan}");
    }
    // It is no request of the program's, and no statement of its totals.
    let (_, totals) = stage.get("/statements.json").await;
    assert!(!totals.to_string().contains("EXPLAIN"), "{totals}");
    assert_eq!(db.pool_stats().in_use, 0);
}

pub async fn explaining_never_writes(db: &Database) {
    let users = seed(db).await.unwrap();
    let (stage, inner, id) = (stage(db), db.clone(), users[0].id);
    let rename = async move {
        inner
            .sql("UPDATE users SET name = ? WHERE id = ?", args!["Eve", id])
            .execute()
            .await?;
        UserRepository::new(&inner)
            .filter(User::ID.eq(id))
            .delete()
            .await
    };
    // Whether the rows may go is up to the keys that point to them; what counts is that it was sent.
    let _ = stage.play("/", rename).await;
    let recording = db.recorded();
    for at in 0..2 {
        for how in ["explain", "analyze"] {
            let (status, refused) = stage
                .post(&format!("/requests/1/statements/{at}/{how}"))
                .await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{refused}");
            assert_eq!(refused["error"], "only statements that read are explained");
        }
    }
    assert_eq!(recording.statements().len(), 0);
}

#[derive(Debug, Clone, Entity)]
#[entity(table = "vaults")]
pub struct Vault {
    #[entity(primary_key, generated)]
    pub id: i64,
    #[entity(sensitive)]
    pub secret: String,
    #[entity(sensitive)]
    pub pin: i64,
}

/// No figure that a plan shows has so many digits.
const PIN: i64 = 471_108_150_421_337;

pub async fn a_plan_shows_no_sensitive_value(db: &Database) {
    db.create_schema::<(Vault,)>().await.unwrap();
    let vaults = VaultRepository::new(db);
    let new = |pin| NewVault {
        secret: "open sesame".into(),
        pin,
    };
    vaults.insert_many([new(PIN), new(PIN + 1)]).await.unwrap();
    let (stage, inner) = (stage(db), db.clone());
    let look = async move {
        let vaults = VaultRepository::new(&inner);
        vaults
            .filter(Vault::SECRET.eq("open sesame"))
            .filter(Vault::PIN.eq(PIN))
            .all()
            .await?;
        let sql = "SELECT id FROM vaults WHERE secret = 'open sesame' AND pin = ?";
        inner.sql(sql, args![PIN]).fetch::<(i64,)>().await
    };
    stage.play("/", look).await.unwrap();
    let mut shown = stage.newest().await.to_string();
    for at in 0..2 {
        let (status, plan) = stage
            .post(&format!("/requests/1/statements/{at}/explain"))
            .await;
        assert_eq!(status, StatusCode::OK, "{plan}");
        shown += &plan.to_string();
        let (_, plan) = stage
            .post(&format!("/requests/1/statements/{at}/analyze"))
            .await;
        shown += &plan.to_string();
    }
    shown += &stage.get("/statements.json").await.1.to_string();
    assert!(
        !shown.contains("sesame") && !shown.contains(&PIN.to_string()),
        "{shown}"
    );
}

pub async fn a_transaction_is_a_bracket_around_its_statements(db: &Database) {
    let users = seed(db).await.unwrap();
    let (stage, inner, id) = (stage(db), db.clone(), users[0].id);
    let work = async move {
        UserRepository::new(&inner).find(id).await?;
        let read = |tx: entourage::Transaction| async move {
            let user = UserRepository::new(&tx).get(id).await?;
            let inner = tx.begin().await?;
            UserRepository::new(&inner).update(&user).await?;
            inner.rollback().await?;
            Ok::<_, Error>(())
        };
        inner.transaction().run(read).await
    };
    stage.play("/", work).await.unwrap();
    let detail = stage.newest().await;
    let brackets = detail["transactions"].as_array().unwrap();
    let ends: Vec<_> = brackets
        .iter()
        .map(|bracket| (&bracket["depth"], &bracket["end"]))
        .collect();
    assert_eq!(
        ends,
        [
            (&json!(0), &json!("committed")),
            (&json!(1), &json!("rolled back"))
        ],
        "{detail:#}"
    );
    assert_eq!(brackets[1]["from"], at(&detail, "SAVEPOINT"));
    assert_eq!(brackets[1]["to"], at(&detail, "ROLLBACK TO"));
    assert_eq!(brackets[0]["to"], at(&detail, "COMMIT"));
    // The first read lies outside.
    assert!(brackets[0]["from"].as_u64().unwrap() > 0, "{detail:#}");
}
