//! Column types of the user's own.
use insta::assert_snapshot;
use quote::quote;

use super::shown;
use crate::derive::{db_enum, db_newtype};

#[test]
fn an_enum_as_text() {
    let expansion = shown(
        &quote! {
            pub enum Status {
                Draft,
                InReview,
                #[db_enum(rename = "live")]
                Published,
            }
        },
        db_enum,
    );
    assert_snapshot!(expansion);
}

#[test]
fn an_enum_as_integer() {
    let expansion = shown(
        &quote! {
            #[db_enum(integer)]
            enum Level {
                Low = 1,
                High = 10,
            }
        },
        db_enum,
    );
    assert_snapshot!(expansion);
}

#[test]
fn a_newtype() {
    let expansion = shown(
        &quote! {
            pub struct UserId(pub i64);
        },
        db_newtype,
    );
    assert_snapshot!(expansion);
}
