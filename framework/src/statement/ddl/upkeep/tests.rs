//! The text of triggers in three dialects.
use super::triggers;
use crate::{dialect::Dialect, prelude::*};

#[derive(Debug, Clone, Entity)]
#[entity(table = "posts", has_many(comments: Comment))]
struct Post {
    #[entity(primary_key, generated)]
    id: i64,
    author_id: i64,
}

#[derive(Debug, Clone, Entity)]
#[entity(table = "comments", belongs_to(post: Post, on_delete = cascade))]
struct Comment {
    #[entity(primary_key, generated)]
    id: i64,
    post_id: i64,
}

#[derive(Debug, Clone, Entity)]
#[entity(table = "users")]
struct User {
    #[entity(primary_key)]
    id: i64,
}

#[derive(Debug, Clone, View)]
#[view(name = "threads", maintained(Comment = post_id, Post = id, User = BY_USER))]
#[view(query = "SELECT post_id, COUNT(*) AS comments FROM comments GROUP BY post_id")]
struct Thread {
    #[view(primary_key)]
    post_id: i64,
    comments: i64,
}

const BY_USER: &str = "SELECT id FROM posts WHERE author_id = {row}.id";

/// Told nothing by the posts.
#[derive(Debug, Clone, View)]
#[view(maintained(Comment = post_id))]
#[view(query = "SELECT DISTINCT post_id FROM comments")]
struct Commented {
    #[view(primary_key)]
    post_id: i64,
}

#[derive(Debug, Clone, View)]
#[view(maintained(Comment = (post_id, id)))]
#[view(query = "SELECT post_id FROM comments")]
struct TooMany {
    #[view(primary_key)]
    post_id: i64,
}

#[derive(Debug, Clone, View)]
#[view(schema = "other", maintained(Comment = post_id))]
#[view(query = "SELECT post_id FROM comments")]
struct Elsewhere {
    #[view(primary_key)]
    post_id: i64,
}

#[derive(Debug, Clone, View)]
#[view(maintained(PlainView = id))]
#[view(query = "SELECT id FROM plain_views")]
struct OfAView {
    #[view(primary_key)]
    id: i64,
}

#[derive(Debug, Clone, View)]
#[view(reads(Post), query = "SELECT id FROM posts")]
struct PlainView {
    #[view(primary_key)]
    id: i64,
}

fn texts<V: crate::schema::View>(dialect: Dialect) -> String {
    let mut texts = String::new();
    for trigger in triggers(V::table(), V::view(), dialect).unwrap() {
        for text in trigger.create.iter().chain([&trigger.drop]) {
            texts.push_str(text);
            texts.push_str(";\n");
        }
    }
    texts
}

fn refusal<V: crate::schema::View>(dialect: Dialect) -> (ErrorKind, String) {
    let error = triggers(V::table(), V::view(), dialect).unwrap_err();
    (error.kind(), error.to_string())
}

#[test]
fn triggers_on_each_database() {
    insta::assert_snapshot!("sqlite", texts::<Thread>(Dialect::Sqlite));
    insta::assert_snapshot!("postgres", texts::<Thread>(Dialect::Postgres));
    insta::assert_snapshot!("mysql", texts::<Thread>(Dialect::Mysql));
    insta::assert_snapshot!("a_key_alone", texts::<Commented>(Dialect::Postgres));
}

/// A key by which no bucket is chosen, in part.
#[derive(Debug, Clone, View)]
#[view(maintained(Tagging = (post_id, tag)))]
#[view(query = "SELECT post_id, tag, COUNT(*) AS uses FROM taggings GROUP BY post_id, tag")]
struct Tag {
    #[view(primary_key)]
    post_id: i64,
    #[view(primary_key, length = 20)]
    tag: String,
    uses: i64,
}

#[derive(Debug, Clone, Entity)]
#[entity(table = "taggings", belongs_to(parent: Tagging, foreign_key = parent_id, on_delete = cascade))]
struct Tagging {
    #[entity(primary_key, generated)]
    id: i64,
    parent_id: Option<i64>,
    post_id: i32,
    tag: String,
}

#[test]
fn texts_choose_no_bucket() {
    let text = texts::<Tag>(Dialect::Postgres);
    let bucket = "hashtext(concat_ws(',', changed.\"post_id\"::text)) & 63";
    assert!(text.contains(bucket), "{text}");
}

#[test]
fn others_have_none() {
    let none = triggers(PlainView::table(), PlainView::view(), Dialect::Sqlite);
    assert!(none.unwrap().is_empty());
}

#[test]
fn what_cannot_be_maintained_says_why() {
    let (kind, text) = refusal::<Commented>(Dialect::Mysql);
    assert_eq!(kind, ErrorKind::Unsupported);
    assert!(
        text.contains("a delete of a `Post` changes rows of `Comment`"),
        "{text}"
    );
    let (kind, text) = refusal::<Tag>(Dialect::Mysql);
    assert_eq!(kind, ErrorKind::Unsupported);
    assert!(
        text.contains("a delete of a `Tagging` changes rows of `Tagging`"),
        "{text}"
    );
    for dialect in [Dialect::Sqlite, Dialect::Postgres, Dialect::Mysql] {
        let (kind, text) = refusal::<TooMany>(dialect);
        assert_eq!(kind, ErrorKind::Configuration);
        assert!(
            text.contains("a key of 1 columns, and 2 of `Comment`"),
            "{text}"
        );
        let (kind, text) = refusal::<OfAView>(dialect);
        assert_eq!(kind, ErrorKind::Configuration);
        assert!(
            text.contains("`PlainView`, which is a view itself"),
            "{text}"
        );
    }
    assert!(triggers(Elsewhere::table(), Elsewhere::view(), Dialect::Postgres).is_ok());
    for dialect in [Dialect::Sqlite, Dialect::Mysql] {
        let (kind, text) = refusal::<Elsewhere>(dialect);
        assert_eq!(kind, ErrorKind::Configuration);
        assert!(text.contains("in another schema"), "{text}");
    }
}
