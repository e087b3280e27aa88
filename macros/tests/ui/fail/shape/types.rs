//! The types of a shape's fields are those of what is loaded into them.
use entourage::prelude::*;

#[derive(Debug, Clone, Entity)]
#[entity(has_many(posts: Post, foreign_key = author_id))]
pub struct User {
    #[entity(primary_key)]
    pub id: i64,
    pub name: String,
}

#[derive(Debug, Clone, Entity)]
#[entity(belongs_to(author: User), belongs_to(editor: User))]
pub struct Post {
    #[entity(primary_key)]
    pub id: i64,
    pub author_id: i64,
    pub editor_id: Option<i64>,
    pub title: String,
}

#[derive(Debug, Clone, Shape)]
#[shape(entity = User)]
struct Columns {
    id: String,
    nmae: String,
}

#[derive(Debug, Clone, Shape)]
#[shape(entity = User)]
struct Container {
    #[shape(relation)]
    posts: Option<Post>,
}

#[derive(Debug, Clone, Shape)]
#[shape(entity = User)]
struct WrongShape {
    #[shape(relation)]
    posts: Vec<Columns>,
}

#[derive(Debug, Clone, Shape)]
#[shape(entity = User)]
struct NoShape {
    #[shape(relation)]
    posts: Vec<String>,
}

#[derive(Debug, Clone, Shape)]
#[shape(entity = User)]
struct Figure {
    #[shape(count = posts)]
    post_count: String,
}

#[derive(Debug, Clone, Shape)]
#[shape(entity = Post)]
struct Nullable {
    #[shape(through = editor, column = User::NAME)]
    editor_name: String,
}

#[derive(Debug, Clone, Shape)]
#[shape(entity = User)]
struct Many {
    #[shape(through = posts, column = Post::TITLE)]
    title: String,
}

#[derive(Debug, Clone, Shape)]
#[shape(entity = Post)]
struct WrongEntity {
    #[shape(through = author, column = Post::TITLE)]
    title: String,
}

fn main() {}
