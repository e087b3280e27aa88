//! Many rows changed, each to values of its own.

use entourage::{Database, ErrorKind, dialect::Dialect, prelude::*};

use super::bulk::people;
use super::counted::counted;
use super::values::sample;
use crate::models::{blog::*, create, shop::*, values::*};

pub async fn many_rows_are_updated_each_to_its_own_values(db: &Database) {
    create_blog(db).await;
    create(db, &[Sample::table()]).await;
    let users = UserRepository::new(db);
    let mut all = users.insert_many(people(0..120)).await.unwrap();
    for user in &mut all {
        user.name = format!("{} the {}th", user.name, user.id);
        user.age = (user.id % 2 == 0).then_some(41);
    }
    let statements = match db.dialect() {
        Dialect::Sqlite => 2,
        Dialect::Postgres => 1,
        Dialect::Mysql => 3,
    };
    let updated = counted(db, statements, users.update_many(&all)).await;
    for (updated, sent) in updated.iter().zip(&all) {
        let version = sent.version + 1;
        assert_eq!(
            *updated,
            User {
                version,
                ..sent.clone()
            }
        );
    }
    let read = users.order_by(User::ID.asc()).all().await.unwrap();
    assert_eq!(read, updated);
    let one = counted(db, 1, users.update_many([&updated[3]])).await;
    assert_eq!(one[0].version, 3);
    let none = counted(db, 0, users.update_many([])).await;
    assert!(none.is_empty());

    let samples = SampleRepository::new(db);
    let rows = samples.insert_many((0..3).map(sample)).await.unwrap();
    let swapped: Vec<_> = rows
        .iter()
        .map(|row| Sample {
            truth: !row.truth,
            decimal: -row.decimal,
            text: format!("{}{}", row.text, row.id),
            bytes: vec![u8::try_from(row.id).unwrap()],
            moment: row.moment + chrono::Duration::microseconds(row.id),
            instant: row.instant - chrono::Duration::seconds(row.id),
            uuid: uuid::Uuid::max(),
            json: Json(serde_json::json!({"is": row.id})),
            ..row.clone()
        })
        .collect();
    assert_eq!(samples.update_many(&swapped).await.unwrap(), swapped);
    let read = samples.order_by(Sample::ID.asc()).all().await.unwrap();
    assert_eq!(read, swapped);
}

pub async fn rows_by_composite_keys_are_updated_together(db: &Database) {
    create_shop(db).await;
    let products = ProductRepository::new(db);
    let new = [
        product(1, "chair"),
        product(2, "chair"),
        product(1, "table"),
    ];
    let mut all = products.insert_many(new).await.unwrap();
    for row in &mut all {
        row.price += rust_decimal::Decimal::from(row.tenant);
        row.parcel = row.parcel.is_none().then_some(Size {
            width: 1.5,
            height: 2.0,
        });
    }
    let updated = counted(db, 1, products.update_many(&all)).await;
    for row in &updated {
        let read = products.get((row.tenant, row.sku.clone())).await.unwrap();
        assert_eq!(read, *row);
        assert_eq!(read.version, 2);
    }
}

pub async fn stale_rows_take_back_all_updates_and_are_named(db: &Database) {
    let seeded = seed(db).await.unwrap();
    let users = UserRepository::new(db);
    let mut all = seeded.clone();
    all.iter_mut().for_each(|user| user.name.push('!'));
    users.update(&seeded[1]).await.unwrap();
    let tx = db.begin().await.unwrap();
    let stale = UserRepository::new(&tx)
        .update_many(&all)
        .await
        .unwrap_err();
    // The transaction goes on.
    assert_eq!(UserRepository::new(&tx).query().count().await.unwrap(), 3);
    tx.commit().await.unwrap();
    assert!(stale.is_stale(), "{stale}");
    let expected = format!("since they were read: key {}", seeded[1].id);
    assert!(stale.to_string().contains(&expected), "{stale}");
    assert!(
        stale
            .call_site()
            .unwrap()
            .file()
            .ends_with("update_many.rs")
    );
    let names: Vec<_> = users.order_by(User::ID.asc()).all().await.unwrap();
    assert!(
        names.iter().all(|user| !user.name.ends_with('!')),
        "{names:?}"
    );

    let twice = users
        .update_many([&seeded[0], &seeded[0]])
        .await
        .unwrap_err();
    assert_eq!(twice.kind(), ErrorKind::InvalidQuery);

    let posts = PostRepository::new(db);
    let mut some = posts.query().all().await.unwrap();
    CommentRepository::new(db).query().delete().await.unwrap();
    posts.delete(some[0].id).await.unwrap();
    some.iter_mut().for_each(|post| post.likes = 77);
    let missing = posts.update_many(&some).await.unwrap_err();
    assert!(missing.is_not_found(), "{missing}");
    assert!(
        missing.to_string().contains(&some[0].id.to_string()),
        "{missing}"
    );
    assert_eq!(posts.filter(Post::LIKES.eq(77)).count().await.unwrap(), 0);
}
