//! Entities without relations.
use insta::assert_snapshot;
use quote::quote;

use super::shown;
use crate::derive::entity;

#[test]
fn a_simple_entity() {
    let expansion = shown(
        &quote! {
            #[entity(schema = "app")]
            pub struct User {
                #[entity(primary_key, generated)]
                pub id: i64,
                #[entity(unique, length = 100)]
                pub email: String,
                pub bio: Option<String>,
                #[entity(default = "'guest'")]
                pub role: String,
                #[entity(sensitive)]
                pub(crate) password_hash: String,
                #[entity(version)]
                pub version: i64,
                #[entity(created_at)]
                pub created_at: DateTime<Utc>,
                #[entity(updated_at)]
                pub updated_at: DateTime<Utc>,
                #[entity(deleted_at)]
                pub deleted_at: Option<DateTime<Utc>>,
            }
        },
        entity,
    );
    assert_snapshot!(expansion);
}

#[test]
fn a_composite_key_with_names_of_its_own() {
    let expansion = shown(
        &quote! {
            #[entity(table = "Seat", rename_all = "PascalCase", unique(hall, label), index(hall))]
            #[entity(new = "SeatRow", patch = "SeatChange", repository = "Seats")]
            struct Seat {
                #[entity(primary_key)]
                hall: i32,
                #[entity(primary_key, column = "No")]
                number: i32,
                label: String,
                #[entity(index)]
                r#type: Option<String>,
            }
        },
        entity,
    );
    assert_snapshot!(expansion);
}

#[test]
fn several_fields_have_two_forms() {
    let seat = |attributes| {
        let seat = quote! {
            #[entity(#attributes)]
            struct Seat {
                #[entity(primary_key)]
                id: i32,
                hall: i32,
                label: String,
            }
        };
        entity(seat).to_string()
    };
    assert_eq!(
        seat(quote!(unique(hall, label), index(hall))),
        seat(quote!(unique = (hall, label), index = hall))
    );
}

#[test]
fn a_cached_entity() {
    let expansion = shown(
        &quote! {
            #[entity(cache(ttl = "5m", tti = "30s", max_bytes = 1_000_000, write = "invalidate", no_negative))]
            pub struct Country {
                #[entity(primary_key)]
                pub id: i32,
                pub name: String,
            }
        },
        entity,
    );
    assert_snapshot!(expansion);
}

#[test]
fn a_key_made_by_the_client() {
    let expansion = shown(
        &quote! {
            pub struct Token {
                #[entity(primary_key, generated)]
                pub id: Uuid,
                pub note: Option<String>,
            }
        },
        entity,
    );
    assert_snapshot!(expansion);
}
