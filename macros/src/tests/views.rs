//! Views: what is written, and what is said about wrong ones.
use insta::assert_snapshot;
use quote::quote;

use super::{messages, shown};
use crate::derive::view;

#[test]
fn a_materialized_view() {
    let expansion = shown(
        &quote! {
            #[view(name = "author_stats", materialized, reads(Post, Comment))]
            #[view(query = "SELECT author_id, COUNT(*) AS posts, MAX(id) AS last_post FROM posts GROUP BY author_id")]
            #[view(belongs_to(author: User))]
            pub struct AuthorStats {
                #[view(primary_key)]
                pub author_id: i64,
                pub posts: i64,
                #[view(index)]
                pub last_post: Option<i64>,
            }
        },
        view,
    );
    assert_snapshot!(expansion);
}

#[test]
fn a_plain_view_with_a_query_for_each_database() {
    let expansion = shown(
        &quote! {
            #[view(reads(), query(sqlite = "SELECT 1 AS id", postgres = POSTGRES, mysql = include_str!("view.sql")))]
            struct Number {
                #[view(primary_key)]
                id: i64,
            }
        },
        view,
    );
    assert_snapshot!(expansion);
}

#[test]
fn a_view_is_told_what_it_lacks() {
    let inputs = [
        quote! { struct V { id: i64 } },
        quote! { #[view(query, reads)] struct V { #[view(primary_key)] id: i64 } },
        quote! { #[view(query(), reads())] struct V { #[view(primary_key)] id: i64 } },
        quote! { #[view(query = 5, reads())] struct V { #[view(primary_key)] id: i64 } },
        quote! { #[view(query = "DELETE FROM posts", reads())] struct V { #[view(primary_key)] id: i64 } },
        quote! { #[view(query = "SELECT 1;", reads())] struct V { #[view(primary_key)] id: i64 } },
        quote! { #[view(query(oracle = "SELECT 1"), reads())] struct V { #[view(primary_key)] id: i64 } },
        quote! { #[view(query = "SELECT 1", reads("posts"))] struct V { #[view(primary_key)] id: i64 } },
        quote! { #[view(query = "SELECT 1", reads())] enum V { A } },
    ];
    let all: Vec<_> = inputs
        .into_iter()
        .map(|input| messages(input, view))
        .collect();
    let messages = all.join("\n");
    assert_snapshot!(messages);
}

#[test]
fn a_view_takes_nothing_that_is_about_writing_or_keeping() {
    let messages = messages(
        quote! {
            #[view(query = "SELECT 1", reads(Post), table = "v", new = "NewV", cache(ttl = "1s"), index(name))]
            #[view(belongs_to(author: User, on_delete = cascade))]
            struct V {
                #[view(primary_key, generated)]
                id: i64,
                author_id: i64,
                #[view(unique, default = "1", prefix = "p_")]
                name: String,
                #[view(index, column = "name")]
                other: String,
            }
        },
        view,
    );
    assert_snapshot!(messages);
}

#[test]
fn a_maintained_view() {
    let expansion = shown(
        &quote! {
            #[view(maintained(Post = id, Comment = (tenant_id, post_id), User = "SELECT id FROM posts WHERE author_id = {row}.id", Tag = BY_TAG))]
            #[view(query = "SELECT p.id FROM posts p")]
            struct Card {
                #[view(primary_key)]
                id: i64,
                #[view(index)]
                likes: i64,
            }
        },
        view,
    );
    assert_snapshot!(expansion);
}

#[test]
fn what_maintains_a_view_has_its_form() {
    let inputs = [
        quote! { #[view(query = "SELECT 1", maintained)] struct V { #[view(primary_key)] id: i64 } },
        quote! { #[view(query = "SELECT 1", maintained(Post))] struct V { #[view(primary_key)] id: i64 } },
        quote! { #[view(query = "SELECT 1", maintained())] struct V { #[view(primary_key)] id: i64 } },
        quote! { #[view(query = "SELECT 1", maintained(Post = ()))] struct V { #[view(primary_key)] id: i64 } },
        quote! { #[view(query = "SELECT 1", maintained(Post = 5))] struct V { #[view(primary_key)] id: i64 } },
        quote! { #[view(query = "SELECT 1", maintained(Post = "SELECT 1"))] struct V { #[view(primary_key)] id: i64 } },
        quote! { #[view(query = "SELECT 1", maintained(Post = id, Post = other))] struct V { #[view(primary_key)] id: i64 } },
        quote! { #[view(query = "SELECT 1", maintained(Post = id), unique(a, b))] struct V { #[view(primary_key)] id: i64, #[view(unique)] a: i64, b: i64 } },
        quote! { #[view(query = "SELECT 1", materialized, reads(Post), maintained(Post = id))] struct V { #[view(primary_key)] id: i64 } },
    ];
    let all: Vec<_> = inputs
        .into_iter()
        .map(|input| messages(input, view))
        .collect();
    let messages = all.join("\n");
    assert_snapshot!(messages);
}
