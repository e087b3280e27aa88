//! What lies at the edges of eager loading: nothing, NULL, nowhere, twice.

use std::sync::{Arc, Mutex};

use entourage::{
    Database,
    dialect::Dialect,
    observe::{Event, Observer},
    prelude::*,
};

use super::counted::{STRATEGIES, counted};
use crate::models::{blog::*, create_without_foreign_keys, shop::*};

#[derive(Default)]
struct Warnings(Mutex<Vec<String>>);

impl Observer for Warnings {
    fn on_event(&self, event: &Event<'_>) {
        if let Event::Warning { message } = event {
            self.0.lock().unwrap().push((*message).to_owned());
        }
    }
}

pub async fn no_parents_need_no_second_statement(db: &Database) {
    seed(db).await.unwrap();
    for strategy in STRATEGIES {
        let none = UserRepository::new(db)
            .filter(User::NAME.eq("Nobody"))
            .strategy(strategy)
            .with(User::POSTS.with(Post::COMMENTS))
            .with(User::GROUPS.count())
            .all();
        assert!(counted(db, 1, none).await.is_empty());
    }
}

pub async fn several_rows_of_a_has_one_are_warned_of(db: &Database) {
    let seeded = seed(db).await.unwrap();
    let warnings = Arc::new(Warnings::default());
    db.observe(warnings.clone());
    ProfileRepository::new(db)
        .insert_many(["second", "third"].map(|bio| NewProfile::new(seeded[0].id, bio.to_owned())))
        .await
        .unwrap();
    for strategy in STRATEGIES {
        let users = UserRepository::new(db)
            .order_by(User::ID.asc())
            .strategy(strategy)
            .with(User::PROFILE.order_by(Profile::ID.desc()))
            .all()
            .await
            .unwrap();
        let bios: Vec<_> = users
            .iter()
            .map(|user| {
                user.get(User::PROFILE)
                    .as_ref()
                    .map(|profile| profile.bio.as_str())
            })
            .collect();
        assert_eq!(bios, [Some("third"), None, None], "{strategy:?}");
        let said = std::mem::take(&mut *warnings.0.lock().unwrap());
        assert!(
            said.iter().any(|said| said.contains("User::PROFILE")),
            "{strategy:?}: {said:?}"
        );
    }
}

pub async fn null_keys_lead_nowhere(db: &Database) {
    seed(db).await.unwrap();
    let unedited = PostRepository::new(db).filter(Post::EDITOR_ID.is_null());
    let posts = counted(db, 1, unedited.clone().with(Post::EDITOR.batched()).all()).await;
    assert_eq!(posts.len(), 3);
    for strategy in STRATEGIES {
        let posts = unedited
            .clone()
            .with(Post::EDITOR.strategy(strategy).with(User::POSTS))
            .all()
            .await;
        assert!(
            posts
                .unwrap()
                .iter()
                .all(|post| post.get(Post::EDITOR).is_none()),
            "{strategy:?}"
        );
    }
}

pub async fn a_dangling_key_is_an_error_unless_optional(db: &Database) {
    let seeded = seed(db).await.unwrap();
    create_without_foreign_keys(db, &[Note::table()]).await;
    let notes = NoteRepository::new(db);
    notes
        .insert_many([NewNote::new(1, seeded[0].id), NewNote::new(2, 999)])
        .await
        .unwrap();
    for strategy in STRATEGIES {
        let error = notes
            .query()
            .strategy(strategy)
            .with(Note::USER)
            .all()
            .await
            .unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::DanglingKey,
            "{strategy:?}: {error}"
        );
        assert!(error.to_string().contains("Note::USER"), "{error}");
        let loaded = notes
            .order_by(Note::ID.asc())
            .strategy(strategy)
            .with(Note::POSSIBLE_USER)
            .all()
            .await
            .unwrap();
        assert!(loaded[0].get(Note::POSSIBLE_USER).is_some(), "{strategy:?}");
        assert!(loaded[1].get(Note::POSSIBLE_USER).is_none(), "{strategy:?}");
    }
}

pub async fn composite_keys_are_matched_as_pairs(db: &Database) {
    create_shop(db).await;
    let products = ProductRepository::new(db);
    products
        .insert_many([
            product(1, "chair"),
            product(1, "table"),
            product(2, "chair"),
        ])
        .await
        .unwrap();
    let line = |tenant: Option<i64>, sku: Option<&str>, quantity| NewLine {
        tenant,
        sku: sku.map(str::to_owned),
        ..NewLine::new(quantity)
    };
    let lines = LineRepository::new(db);
    lines
        .insert_many([
            line(Some(1), Some("chair"), 1),
            line(Some(2), Some("chair"), 2),
            line(Some(1), Some("table"), 3),
            line(Some(1), Some("chair"), 4),
            line(None, Some("chair"), 5),
            line(Some(2), None, 6),
        ])
        .await
        .unwrap();
    for strategy in STRATEGIES {
        let found = products
            .order_by((Product::TENANT.asc(), Product::SKU.asc()))
            .with(
                Product::LINES
                    .strategy(strategy)
                    .order_by(Line::QUANTITY.desc()),
            )
            .all()
            .await
            .unwrap();
        let seen: Vec<Vec<i32>> = found
            .iter()
            .map(|product| {
                product
                    .get(Product::LINES)
                    .iter()
                    .map(|line| line.quantity)
                    .collect()
            })
            .collect();
        assert_eq!(seen, [vec![4, 1], vec![3], vec![2]], "{strategy:?}");
        let found = lines
            .order_by(Line::QUANTITY.asc())
            .with(Line::PRODUCT.strategy(strategy))
            .all()
            .await
            .unwrap();
        let seen: Vec<_> = found
            .iter()
            .map(|line| {
                let product = line.get(Line::PRODUCT).as_ref();
                product.map(|product| (product.tenant, product.sku.as_str()))
            })
            .collect();
        let (chair, table) = (Some((1, "chair")), Some((1, "table")));
        assert_eq!(
            seen,
            [chair, Some((2, "chair")), table, chair, None, None],
            "{strategy:?}"
        );
    }
}

pub async fn text_keys_meet_as_the_database_compares_them(db: &Database) {
    seed(db).await.unwrap();
    let posts = PostRepository::new(db)
        .order_by(Post::ID.asc())
        .all()
        .await
        .unwrap();
    let tags = TagRepository::new(db);
    tags.insert_many(["rust", "café"].map(|slug| NewTag::new(slug.to_owned(), slug.to_owned())))
        .await
        .unwrap();
    let slugs = match db.dialect() {
        // Its default collation ignores case.
        Dialect::Mysql => ["RUST", "rust", "Café"],
        Dialect::Sqlite | Dialect::Postgres => ["rust", "rust", "café"],
    };
    PostTagRepository::new(db)
        .insert_many(
            [0, 1, 2].map(|number| NewPostTag::new(posts[number].id, slugs[number].to_owned())),
        )
        .await
        .unwrap();
    for strategy in STRATEGIES {
        let found = PostRepository::new(db)
            .order_by(Post::ID.asc())
            .with(Post::TAGS.strategy(strategy))
            .all()
            .await
            .unwrap();
        let seen: Vec<Vec<&str>> = found
            .iter()
            .map(|post| {
                post.get(Post::TAGS)
                    .iter()
                    .map(|tag| tag.slug.as_str())
                    .collect()
            })
            .collect();
        assert_eq!(
            seen,
            [vec!["rust"], vec!["rust"], vec!["café"], vec![]],
            "{strategy:?}"
        );
        let links = PostTagRepository::new(db)
            .order_by(PostTag::POST_ID.asc())
            .with(PostTag::TAG.strategy(strategy))
            .all()
            .await
            .unwrap();
        let seen: Vec<_> = links
            .iter()
            .map(|link| link.get(PostTag::TAG).slug.as_str())
            .collect();
        assert_eq!(seen, ["rust", "rust", "café"], "{strategy:?}");
    }
}

pub async fn soft_deleted_rows_are_not_loaded(db: &Database) {
    create_shop(db).await;
    let products = ProductRepository::new(db);
    products.insert(product(1, "chair")).await.unwrap();
    let line = NewLine {
        tenant: Some(1),
        sku: Some("chair".into()),
        ..NewLine::new(1)
    };
    let lines = LineRepository::new(db);
    lines.insert(line).await.unwrap();
    products.delete((1, "chair".to_owned())).await.unwrap();
    for strategy in STRATEGIES {
        let hidden = lines
            .with(Line::PRODUCT.strategy(strategy))
            .one()
            .await
            .unwrap();
        assert!(hidden.get(Line::PRODUCT).is_none(), "{strategy:?}");
        let shown = lines
            .with(Line::PRODUCT.strategy(strategy).with_deleted())
            .one()
            .await
            .unwrap();
        assert!(shown.get(Line::PRODUCT).is_some(), "{strategy:?}");
    }
}

pub async fn a_relation_included_twice_is_an_error(db: &Database) {
    seed(db).await.unwrap();
    let twice = UserRepository::new(db)
        .with(User::POSTS)
        .with(User::POSTS.limit(1))
        .all()
        .await;
    let error = twice.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidQuery);
    assert!(error.to_string().contains("User::POSTS"), "{error}");
}
