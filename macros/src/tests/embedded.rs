//! Embedded structs, and entities that embed them.
use insta::assert_snapshot;
use quote::quote;

use super::shown;
use crate::derive::{embedded, entity};

#[test]
fn an_embedded_struct() {
    let expansion = shown(
        &quote! {
            pub struct Address {
                pub street: String,
                #[entity(embedded)]
                pub geo: Option<Geo>,
                #[entity(column = "zip", length = 10)]
                pub zip_code: Option<String>,
            }
        },
        embedded,
    );
    assert_snapshot!(expansion);
}

#[test]
fn an_entity_that_embeds() {
    let expansion = shown(
        &quote! {
            pub struct Customer {
                #[entity(primary_key, generated)]
                pub id: i64,
                #[entity(embedded)]
                pub home: Address,
                pub name: String,
                #[entity(embedded, prefix = "w_")]
                pub work: Option<Address>,
                #[entity(version)]
                pub version: i32,
            }
        },
        entity,
    );
    assert_snapshot!(expansion);
}
