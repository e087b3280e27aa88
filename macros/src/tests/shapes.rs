//! Shapes.
use insta::assert_snapshot;
use quote::quote;

use super::{messages, shown};
use crate::derive::shape;

#[test]
fn a_shape_of_every_kind_of_field() {
    let expansion = shown(
        &quote! {
            #[shape(entity = User)]
            pub struct AuthorCard {
                pub name: String,
                #[shape(column = id)]
                pub key: i64,
                #[shape(relation)]
                pub posts: Vec<PostCard>,
                #[shape(relation = posts, filter = Post::LIKES.gt(5), order_by = Post::ID.desc(), limit = 3)]
                pub best: Vec<PostCard>,
                #[shape(count = posts, filter = Post::LIKES.gt(5))]
                pub liked: i64,
                #[shape(sum(posts, Post::LIKES))]
                pub likes: Option<i64>,
                #[shape(through = profile, column = Profile::BIO)]
                pub bio: Option<String>,
                #[shape(through = profile, column = Profile::SITE)]
                pub site: Option<String>,
            }
        },
        shape,
    );
    assert_snapshot!(expansion);
}

#[test]
fn a_shape_with_parts() {
    let expansion = shown(
        &quote! {
            #[shape(entity = User)]
            pub struct Account {
                #[shape(flatten)]
                pub card: AuthorCard,
                #[shape(embedded)]
                pub home: Address,
                #[shape(embedded = office)]
                pub desk: Option<Address>,
                #[shape(flatten)]
                pub user: User,
                #[shape(count = posts)]
                pub posts: i64,
            }
        },
        shape,
    );
    assert_snapshot!(expansion);
}

#[test]
fn a_shape_that_takes_arguments() {
    let expansion = shown(
        &quote! {
            #[shape(entity = User, args = CardArgs)]
            pub struct AuthorCard {
                #[shape(relation, filter = Post::LIKES.ge(args.least), limit = args.top, args = args.post.clone())]
                pub posts: Vec<PostCard>,
                #[shape(flatten, args = args.least)]
                pub part: Part,
            }
        },
        shape,
    );
    assert_snapshot!(expansion);
}

#[test]
fn a_field_of_a_shape_is_one_thing() {
    let messages = messages(
        quote! {
            #[shape(table = "users")]
            struct Card {
                #[shape(limit = 3, rename = "x")]
                id: i64,
                #[shape(relation, count = replies, column = id)]
                replies: Vec<Post>,
                #[shape(through = author)]
                author: String,
                #[shape(through = author, column = name)]
                author_name: String,
                #[shape(sum = likes, colum = x)]
                likes: i64,
                #[shape(max(replies))]
                last: Option<i64>,
                #[shape(count = replies, order_by = Post::ID.asc())]
                reply_count: i64,
                #[shape(flatten = card, embedded, column = id)]
                card: OtherCard,
                #[shape(args = 3)]
                number: i64,
            }
        },
        shape,
    );
    assert_snapshot!(messages);
}
