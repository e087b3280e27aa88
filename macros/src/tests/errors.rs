//! Every message, in the words the user reads. How they look in the compiler's output is for the UI tests.
use insta::assert_snapshot;
use quote::quote;

use super::messages;
use crate::derive::{db_enum, db_newtype, embedded, entity};

#[test]
fn all_errors_are_reported_together() {
    let messages = messages(
        quote! {
            #[entity(tabel = "users", has_many(posts))]
            struct User {
                #[entity(primary_key, primary_key)]
                id: u64,
                #[entity(lenght = 5)]
                name: String,
            }
        },
        entity,
    );
    assert_snapshot!(messages);
}

#[test]
fn a_missing_key_shows_the_field_to_mark() {
    let messages = messages(quote! { struct User { name: String, id: i64 } }, entity);
    assert_snapshot!(messages);
}

#[test]
fn an_entity_is_a_plain_struct_with_named_fields() {
    let inputs = [
        quote! { enum User { A } },
        quote! { struct User(i64); },
        quote! { struct User; },
        quote! { struct User {} },
        quote! { struct User<T> { id: T } },
        quote! { union User { id: i64 } },
    ];
    let all: Vec<_> = inputs
        .into_iter()
        .map(|input| messages(input, entity))
        .collect();
    let messages = all.join("\n");
    assert_snapshot!(messages);
}

#[test]
fn attributes_have_their_form_and_place() {
    let messages = messages(
        quote! {
            #[entity]
            #[entity(table = users, rename_all = "camel", primary_key, cache(ttl = "1s"), module = "a b", unique, index(1))]
            struct User {
                #[entity(primary_key = true)]
                id: i64,
                #[entity(length = "5", column = "", default = now, 5, foreign_key = x, colour)]
                name: String,
                #[entity(prefix = "x_")]
                other: String,
            }
        },
        entity,
    );
    assert_snapshot!(messages);
}

#[test]
fn a_cache_says_how_long_and_how_much() {
    let inputs = [
        quote! { #[entity(cache)] struct User { #[entity(primary_key)] id: i64 } },
        quote! { #[entity(cache(capacity = 5))] struct User { #[entity(primary_key)] id: i64 } },
        quote! { #[entity(cache(ttl = "1 minute", tti = "0s"))] struct User { #[entity(primary_key)] id: i64 } },
        quote! { #[entity(cache(ttl = "10s", tti = "1m"))] struct User { #[entity(primary_key)] id: i64 } },
        quote! { #[entity(cache(ttl = "10s", capacity = 5, max_bytes = 5))] struct User { #[entity(primary_key)] id: i64 } },
        quote! { #[entity(cache(ttl = "10s", write = "behind"))] struct User { #[entity(primary_key)] id: i64 } },
        quote! { #[entity(cache(ttl = "10s", write = "around"))] struct User { #[entity(primary_key)] id: i64 } },
        quote! { #[entity(cache(ttl = "10s", size = 5, capcity = 5))] struct User { #[entity(primary_key)] id: i64 } },
        quote! { #[entity(cache(ttl = "10s"))] struct User { #[entity(primary_key)] email: String } },
    ];
    let all: Vec<_> = inputs
        .into_iter()
        .map(|input| messages(input, entity))
        .collect();
    let messages = all.join("\n");
    assert_snapshot!(messages);
}

#[test]
fn keys_are_what_a_database_can_generate() {
    let messages = messages(
        quote! {
            struct User {
                #[entity(primary_key, generated)]
                a: String,
                #[entity(primary_key, generated, default = "1")]
                b: Option<i64>,
                #[entity(generated)]
                c: i64,
                #[entity(primary_key)]
                d: i64,
                #[entity(primary_key)]
                e: i64,
                #[entity(primary_key)]
                f: i64,
            }
        },
        entity,
    );
    assert_snapshot!(messages);
}

#[test]
fn maintained_columns_have_their_types_and_roles() {
    let messages = messages(
        quote! {
            struct User {
                #[entity(primary_key, version)]
                id: i64,
                #[entity(version)]
                version: String,
                #[entity(created_at)]
                created: Option<DateTime<Utc>>,
                #[entity(updated_at, default = "now()")]
                updated: i64,
                #[entity(deleted_at)]
                deleted: DateTime<Utc>,
                #[entity(length = 4)]
                size: i32,
            }
        },
        entity,
    );
    assert_snapshot!(messages);
}

#[test]
fn names_do_not_meet() {
    let messages = messages(
        quote! {
            #[entity(has_many(posts: Post), unique(emial), index(id, id, address))]
            struct User {
                #[entity(primary_key)]
                id: i64,
                email: String,
                #[entity(column = "email")]
                mail: String,
                posts: i64,
                #[entity(embedded, length = 4)]
                address: Address,
            }
        },
        entity,
    );
    assert_snapshot!(messages);
}

#[test]
fn foreign_keys_name_columns_on_both_sides() {
    let messages = messages(
        quote! {
            #[entity(belongs_to(author: User))]
            #[entity(belongs_to(editor: User, foreign_key = editer_id, on_delete = cascad))]
            #[entity(belongs_to(owner: User, foreign_key = editor_id, on_delete = set_null))]
            #[entity(belongs_to(place: Place, foreign_key = (editor_id, id), references = id, through = X))]
            #[entity(has_many(comments: Comment, foreign_key = (a, b)))]
            #[entity(has_one(summary: Summary, references = titel, optional))]
            #[entity(many_to_many(tags: Tag))]
            #[entity(many_to_many(similar: Post, through = Similarity))]
            struct Post {
                #[entity(primary_key)]
                id: i64,
                editor_id: i64,
                title: String,
            }
        },
        entity,
    );
    assert_snapshot!(messages);
}

#[test]
fn a_composite_key_asks_for_composite_foreign_keys() {
    let messages = messages(
        quote! {
            #[entity(has_many(tickets: Ticket), many_to_many(users: User, through = Ticket))]
            struct Seat {
                #[entity(primary_key)]
                hall: i32,
                #[entity(primary_key)]
                number: i32,
            }
        },
        entity,
    );
    assert_snapshot!(messages);
}

#[test]
fn a_relation_has_a_name_and_a_target() {
    let messages = messages(
        quote! {
            #[entity(belongs_to(), has_many = posts, has_one(profile), many_to_many(groups = Group))]
            struct User {
                #[entity(primary_key)]
                id: i64,
            }
        },
        entity,
    );
    assert_snapshot!(messages);
}

#[test]
fn embedded_structs_hold_plain_columns() {
    let messages = messages(
        quote! {
            #[entity(table = "x", rename_all = "Kebab-Case")]
            struct Address {
                #[entity(primary_key)]
                street: String,
                #[entity(unique)]
                city: u64,
            }
        },
        embedded,
    );
    assert_snapshot!(messages);
}

#[test]
fn enums_hold_no_data_and_have_different_labels() {
    let inputs = [
        quote! { struct Status { a: i64 } },
        quote! { enum Status<T> { A(T) } },
        quote! { enum Status { Draft(i64) } },
        quote! { enum Status {} },
        quote! { enum Status { Draft, #[db_enum(rename = "draft")] Other, #[db_enum(lable = "x")] Third } },
        quote! { #[db_enum(integer)] enum Status { Draft, #[db_enum(rename = "x")] Live = 4294967296 } },
        quote! { #[db_enum(rename = "x")] enum Status { Draft } },
    ];
    let all: Vec<_> = inputs
        .into_iter()
        .map(|input| messages(input, db_enum))
        .collect();
    let messages = all.join("\n");
    assert_snapshot!(messages);
}

#[test]
fn newtypes_hold_one_column() {
    let inputs = [
        quote! { struct Id { id: i64 } },
        quote! { struct Id(i64, i64); },
        quote! { struct Id<T>(T); },
        quote! { struct Id(Option<i64>); },
        quote! { struct Id(u64); },
    ];
    let all: Vec<_> = inputs
        .into_iter()
        .map(|input| messages(input, db_newtype))
        .collect();
    let messages = all.join("\n");
    assert_snapshot!(messages);
}

#[test]
fn a_shard_key_is_one_known_value() {
    let messages = messages(
        quote! {
            struct Order {
                #[entity(primary_key, generated, shard_key)]
                id: i64,
                #[entity(shard_key)]
                customer_id: Option<i64>,
                #[entity(version, shard_key)]
                version: i64,
            }
        },
        entity,
    );
    assert_snapshot!(messages);
}

#[test]
fn an_index_is_said_once() {
    let messages = messages(
        quote! {
            #[entity(unique(email), unique(a, b), unique(b, a), unique = (a, b), index(r#type), index(a))]
            struct User {
                #[entity(primary_key)]
                id: i64,
                #[entity(unique)]
                email: String,
                a: i64,
                b: i64,
                #[entity(index)]
                r#type: i64,
            }
        },
        entity,
    );
    assert_snapshot!(messages);
}
