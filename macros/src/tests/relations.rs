//! Relations of all kinds.
use insta::assert_snapshot;
use quote::quote;

use super::shown;
use crate::derive::entity;

#[test]
fn relations_of_every_kind() {
    let expansion = shown(
        &quote! {
            #[entity(belongs_to(manager: Self, foreign_key = manager_id, on_delete = set_null))]
            #[entity(has_many(posts: Post, foreign_key = author_id))]
            #[entity(has_many(
                open_orders: crate::shop::Order,
                filter = crate::shop::Order::CLOSED_AT.is_null(),
                order_by = (crate::shop::Order::PRICE.desc(), crate::shop::Order::ID.asc()),
            ))]
            #[entity(has_one(profile: Profile))]
            #[entity(many_to_many(groups: Group, through = Membership))]
            pub struct User {
                #[entity(primary_key, generated)]
                pub id: i64,
                pub manager_id: Option<i64>,
            }
        },
        entity,
    );
    assert_snapshot!(expansion);
}

#[test]
fn a_composite_foreign_key() {
    let expansion = shown(
        &quote! {
            #[entity(belongs_to(seat: Seat, foreign_key = (hall, seat_number), references = (hall, number)))]
            #[entity(belongs_to(show: Show, optional))]
            pub(super) struct Ticket {
                #[entity(primary_key)]
                id: i64,
                hall: i32,
                seat_number: i32,
                show_id: i64,
            }
        },
        entity,
    );
    assert_snapshot!(expansion);
}
