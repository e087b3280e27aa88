//! Rows written and read one by one.

use chrono::{DateTime, TimeDelta};
use entourage::{Database, prelude::*, statement::StatementKind};

use super::counted::counted;
use crate::models::{blog::*, shop::*};

pub async fn an_insert_returns_the_row_as_it_is_stored(db: &Database) {
    create_blog(db).await;
    let users = UserRepository::new(db);
    // What cannot be returned is read again, in the same transaction.
    let statements = match db.capabilities().returning {
        true => 1,
        false => 2,
    };
    let ada = counted(db, statements, users.insert(user("Ada"))).await;
    assert_eq!(
        (ada.name.as_str(), ada.age, ada.visits, ada.version),
        ("Ada", None, 0, 1)
    );
    let bea = counted(
        db,
        statements,
        users.insert(NewUser {
            age: Some(40),
            visits: Some(7),
            ..user("Bea")
        }),
    )
    .await;
    assert_eq!((bea.age, bea.visits), (Some(40), 7));
    assert_ne!(ada.id, bea.id);
    assert_eq!(users.get(bea.id).await.unwrap(), bea);
}

pub async fn rows_are_found_by_key(db: &Database) {
    let seeded = seed(db).await.unwrap();
    let users = UserRepository::new(db);
    assert_eq!(
        counted(db, 1, users.find(seeded[1].id)).await,
        Some(seeded[1].clone())
    );
    assert_eq!(counted(db, 1, users.find(-1)).await, None);
    assert_eq!(
        counted(db, 1, users.find_by_email("bea@example.org")).await,
        Some(seeded[1].clone())
    );
    assert_eq!(
        counted(db, 1, users.find_by_email("nobody@example.org")).await,
        None
    );
    let missing = users.get(-1).await.unwrap_err();
    assert!(missing.is_not_found(), "{missing}");
    assert!(
        missing.to_string().contains("users") && missing.to_string().contains("-1"),
        "{missing}"
    );
    assert!(missing.call_site().unwrap().file().ends_with("crud.rs"));
}

pub async fn many_rows_are_found_in_the_order_of_their_keys(db: &Database) {
    let seeded = seed(db).await.unwrap();
    let users = UserRepository::new(db);
    let keys = [seeded[2].id, -1, seeded[0].id, seeded[2].id];
    let found = counted(db, 1, users.find_many(keys)).await;
    let ada = Some(seeded[0].clone());
    let cleo = Some(seeded[2].clone());
    assert_eq!(found, [cleo.clone(), None, ada, cleo]);
    assert_eq!(counted(db, 0, users.find_many(Vec::<i64>::new())).await, []);
}

pub async fn rows_are_found_by_composite_and_text_keys(db: &Database) {
    create_shop(db).await;
    let products = ProductRepository::new(db);
    let inserted = products
        .insert_many([
            product(1, "chair"),
            product(2, "chair"),
            product(1, "table"),
        ])
        .await
        .unwrap();
    let found = counted(db, 1, products.find((2, "chair".to_owned()))).await;
    assert_eq!(found.as_ref(), Some(&inserted[1]));
    let keys =
        [(1, "table"), (2, "table"), (1, "chair")].map(|(tenant, sku)| (tenant, sku.to_owned()));
    let found = counted(db, 1, products.find_many(keys)).await;
    assert_eq!(
        found,
        [Some(inserted[2].clone()), None, Some(inserted[0].clone())]
    );
    assert!(products.delete((1, "table".to_owned())).await.unwrap());
}

pub async fn an_update_of_an_old_version_is_stale(db: &Database) {
    create_shop(db).await;
    let products = ProductRepository::new(db);
    let old = products.insert(product(1, "chair")).await.unwrap();
    let mut new = old.clone();
    new.hazard = Hazard::High;
    let new = counted(db, 1, products.update(&new)).await;
    assert_eq!(
        (new.version, new.hazard, new.created_at),
        (2, Hazard::High, old.created_at)
    );
    assert!(new.updated_at >= old.updated_at);
    assert_eq!(products.get((1, "chair".to_owned())).await.unwrap(), new);
    let stale = products.update(&old).await.unwrap_err();
    assert!(stale.is_stale(), "{stale}");
    assert_eq!(products.get((1, "chair".to_owned())).await.unwrap(), new);
}

pub async fn a_patch_changes_what_it_names(db: &Database) {
    let seeded = seed(db).await.unwrap();
    let users = UserRepository::new(db);
    let patch = UserPatch {
        name: Some("Adele".into()),
        age: Some(Some(36)),
        ..UserPatch::default()
    };
    let patched = users.patch(seeded[0].id, patch).await.unwrap();
    assert_eq!(
        (patched.name.as_str(), patched.age, patched.version),
        ("Adele", Some(36), 2)
    );
    let patch = UserPatch {
        age: Some(None),
        ..UserPatch::default()
    };
    let patched = users.patch(seeded[0].id, patch).await.unwrap();
    assert_eq!((patched.name.as_str(), patched.age), ("Adele", None));
    let same = counted(db, 1, users.patch(seeded[0].id, UserPatch::default())).await;
    assert_eq!(same, patched);
    let missing = users
        .patch(
            -1,
            UserPatch {
                visits: Some(1),
                ..UserPatch::default()
            },
        )
        .await;
    assert!(missing.unwrap_err().is_not_found());
}

pub async fn an_upsert_inserts_or_changes_the_row_it_meets(db: &Database) {
    create_blog(db).await;
    let users = UserRepository::new(db);
    let ada = users.upsert(user("Ada"), User::EMAIL).await.unwrap();
    let renamed = NewUser {
        name: "Adele".into(),
        visits: Some(3),
        ..user("Ada")
    };
    let recording = db.recorded();
    let adele = users.upsert(renamed, User::EMAIL).await.unwrap();
    let sent: Vec<_> = recording.statements();
    let kinds: Vec<_> = sent.iter().map(|sent| sent.kind).collect();
    if db.capabilities().returning {
        assert_eq!(kinds, [StatementKind::Insert], "{sent:#?}");
    } else {
        let (step, read) = (StatementKind::Transaction, StatementKind::Select);
        assert_eq!(
            kinds,
            [step, StatementKind::Insert, read, step],
            "{sent:#?}"
        );
    }
    drop(recording);
    assert_eq!(
        (adele.id, adele.name.as_str(), adele.visits, adele.version),
        (ada.id, "Adele", 3, 2)
    );
    let both = [
        NewUser {
            age: Some(1),
            ..user("Bea")
        },
        NewUser {
            age: Some(2),
            ..user("Ada")
        },
    ];
    let both = users.upsert_many(both, User::EMAIL).await.unwrap();
    assert_eq!(
        (both[0].age, both[1].age, both[1].id),
        (Some(1), Some(2), ada.id)
    );
    assert_eq!(users.query().count().await.unwrap(), 2);
    let refused = users.upsert(user("Ada"), User::NAME).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidQuery);
}

pub async fn what_the_framework_keeps_can_be_given_to_a_new_row(db: &Database) {
    create_shop(db).await;
    let products = ProductRepository::new(db);
    let then = DateTime::from_timestamp(1_000_000_000, 0).unwrap();
    let later = then + TimeDelta::days(1);
    let old = || {
        product(1, "chair")
            .set(Product::CREATED_AT, then)
            .set(Product::UPDATED_AT, later)
            .set(Product::VERSION, 7)
    };
    assert!(!format!("{:?}", old()).contains("2001"), "{:?}", old());
    let chair = products.insert(old()).await.unwrap();
    assert_eq!(
        (chair.created_at, chair.updated_at, chair.version),
        (then, later, 7)
    );
    // The others are made as ever.
    let half = products.insert(product(1, "table").set(Product::CREATED_AT, then));
    let half = half.await.unwrap();
    assert_eq!((half.created_at, half.version), (then, 1));
    assert!(half.updated_at > later);
    let met = products
        .upsert(old(), (Product::TENANT, Product::SKU))
        .await
        .unwrap();
    assert_eq!(
        (met.created_at, met.updated_at, met.version),
        (then, later, 8)
    );
    let met = products.upsert(product(1, "chair"), (Product::TENANT, Product::SKU));
    let met = met.await.unwrap();
    assert_eq!((met.created_at, met.version), (then, 9));
    assert!(met.updated_at > later);

    create_blog(db).await;
    let users = UserRepository::new(db);
    let rows = [70, 60].map(|id| user(&format!("user {id}")).set(User::ID, id));
    let rows = counted(
        db,
        if db.capabilities().returning { 1 } else { 4 },
        users.insert_many(rows),
    );
    let keys: Vec<_> = rows.await.iter().map(|user| user.id).collect();
    assert_eq!(keys, [70, 60]);
}

pub async fn an_upsert_of_nothing_but_its_target_returns_the_row_it_meets(db: &Database) {
    let seeded = seed(db).await.unwrap();
    let memberships = MembershipRepository::new(db);
    let mut known = memberships.query().all().await.unwrap();
    known.sort_by_key(|membership| (membership.user_id, membership.group_id));
    let new = (seeded[2].id, known[0].group_id);
    let keys = known
        .iter()
        .map(|membership| (membership.user_id, membership.group_id))
        .chain([new]);
    let keys: Vec<_> = keys.collect();
    let rows = keys
        .iter()
        .map(|&(user, group)| NewMembership::new(user, group));
    let target = (Membership::USER_ID, Membership::GROUP_ID);
    let rows = memberships.upsert_many(rows, target).await.unwrap();
    let returned: Vec<_> = rows.iter().map(|row| (row.user_id, row.group_id)).collect();
    assert_eq!(returned, keys);
    assert_eq!(rows[..known.len()], known);
    let again = memberships.upsert(NewMembership::new(new.0, new.1), target);
    assert_eq!(again.await.unwrap(), rows[known.len()]);
}

pub async fn deleted_rows_are_gone(db: &Database) {
    create_blog(db).await;
    let users = UserRepository::new(db);
    let names = ["Ada", "Bea", "Cleo", "Dora", "Eve"];
    let inserted = users.insert_many(names.map(user)).await.unwrap();
    assert!(counted(db, 1, users.delete(inserted[0].id)).await);
    assert!(!counted(db, 1, users.delete(inserted[0].id)).await);
    let gone = users.delete_many([inserted[0].id, inserted[1].id, inserted[2].id]);
    assert_eq!(counted(db, 1, gone).await, 2);
    assert_eq!(
        counted(db, 1, users.filter(User::NAME.eq("Eve")).delete()).await,
        1
    );
    let left = users.query().all().await.unwrap();
    assert_eq!(left, [inserted[3].clone()]);
}

pub async fn soft_deleted_rows_are_hidden(db: &Database) {
    create_shop(db).await;
    let products = ProductRepository::new(db);
    products
        .insert_many([product(1, "chair"), product(1, "table")])
        .await
        .unwrap();
    let key = || (1, "chair".to_owned());
    assert!(products.delete(key()).await.unwrap());
    assert!(!products.delete(key()).await.unwrap());
    assert_eq!(products.find(key()).await.unwrap(), None);
    assert_eq!(products.find_many([key()]).await.unwrap(), [None]);
    assert_eq!(products.query().count().await.unwrap(), 1);
    let all = products
        .query()
        .with_deleted()
        .order_by(Product::SKU.asc())
        .all()
        .await
        .unwrap();
    assert!(all[0].deleted_at.is_some() && all[1].deleted_at.is_none());
    assert!(products.delete_permanently(key()).await.unwrap());
    assert_eq!(products.query().with_deleted().count().await.unwrap(), 1);
}

pub async fn a_bulk_update_counts_its_rows(db: &Database) {
    let seeded = seed(db).await.unwrap();
    let users = UserRepository::new(db);
    let update = users
        .filter(User::NAME.ne("Cleo"))
        .set(User::VISITS.to(User::VISITS.add(2)))
        .set(User::AGE.to(30))
        .update();
    assert_eq!(counted(db, 1, update).await, 2);
    let all = users.order_by(User::ID.asc()).all().await.unwrap();
    let figures: Vec<_> = all
        .iter()
        .map(|user| (user.visits, user.age, user.version))
        .collect();
    assert_eq!(figures, [(2, Some(30), 2), (2, Some(30), 2), (0, None, 1)]);
    let null = users
        .filter(User::ID.eq(seeded[0].id))
        .set(User::AGE.to_null())
        .update();
    assert_eq!(null.await.unwrap(), 1);
    // A row that is set to what it holds already is counted too.
    let same = users
        .filter(User::NAME.eq("Cleo"))
        .set(User::NAME.to("Cleo"))
        .update();
    assert_eq!(same.await.unwrap(), 1);
}

pub async fn many_rows_are_inserted_in_order(db: &Database) {
    create_blog(db).await;
    let users = UserRepository::new(db);
    let new = (0..2500).map(|number| NewUser {
        visits: (number % 3 == 0).then_some(number),
        ..user(&format!("U{number}"))
    });
    let inserted = users.insert_many(new).await.unwrap();
    assert_eq!(inserted.len(), 2500);
    for (number, user) in inserted.iter().enumerate() {
        assert_eq!(user.name, format!("U{number}"));
        assert_eq!(user.visits, if number % 3 == 0 { number as i64 } else { 0 });
    }
    assert_eq!(users.query().count().await.unwrap(), 2500);
    assert_eq!(
        counted(db, 0, users.insert_many(Vec::<NewUser>::new())).await,
        []
    );
}

pub async fn many_pairs_are_linked_all_or_none(db: &Database) {
    let seeded = seed(db).await.unwrap();
    let users = UserRepository::new(db);
    let new = (0..9_000).map(|number| NewGroup {
        name: format!("group {number}"),
    });
    let groups = GroupRepository::new(db).insert_many(new).await.unwrap();
    let user = seeded[0].id;
    let mut keys: Vec<_> = groups.iter().map(|group| group.id).collect();
    let links = MembershipRepository::new(db).filter(Membership::USER_ID.eq(user));
    let before = links.clone().count().await.unwrap();
    keys.push(-1);
    let refused = users.link(User::GROUPS, user, keys.clone()).await;
    assert!(refused.unwrap_err().is_foreign_key_violation());
    assert_eq!(links.clone().count().await.unwrap(), before);
    keys.pop();
    users.link(User::GROUPS, user, keys.clone()).await.unwrap();
    assert_eq!(links.clone().count().await.unwrap(), before + 9_000);
    let unlinked = users.unlink(User::GROUPS, user, keys).await.unwrap();
    assert_eq!(unlinked, 9_000);
    assert_eq!(links.count().await.unwrap(), before);
}

pub async fn pairs_are_linked_and_unlinked(db: &Database) {
    let seeded = seed(db).await.unwrap();
    let users = UserRepository::new(db);
    let groups = GroupRepository::new(db)
        .order_by(Group::ID.asc())
        .all()
        .await
        .unwrap();
    let keys = [groups[0].id, groups[1].id];
    counted(db, 1, users.link(User::GROUPS, seeded[1].id, keys)).await;
    let of_bea = MembershipRepository::new(db).filter(Membership::USER_ID.eq(seeded[1].id));
    assert_eq!(of_bea.clone().count().await.unwrap(), 2);
    assert!(
        of_bea
            .all()
            .await
            .unwrap()
            .iter()
            .all(|membership| membership.role == "member")
    );
    assert_eq!(
        counted(db, 1, users.unlink(User::GROUPS, seeded[1].id, keys)).await,
        2
    );
    assert_eq!(
        users
            .unlink(User::GROUPS, seeded[1].id, keys)
            .await
            .unwrap(),
        0
    );
    let wrong = users
        .link(User::POSTS, seeded[1].id, [1])
        .await
        .unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::InvalidQuery);
}
