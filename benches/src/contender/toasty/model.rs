//! The tables as Toasty models.

#[derive(Debug, toasty::Model)]
#[table = "users"]
pub(super) struct User {
    #[key]
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) age: i64,
    #[has_many]
    pub(super) posts: toasty::Deferred<Vec<Post>>,
}

#[derive(Debug, toasty::Model)]
#[table = "posts"]
pub(super) struct Post {
    #[key]
    pub(super) id: i64,
    #[index]
    pub(super) user_id: i64,
    pub(super) title: String,
    pub(super) views: i64,
    #[belongs_to(key = user_id, references = id)]
    pub(super) user: toasty::Deferred<User>,
    #[has_many]
    pub(super) comments: toasty::Deferred<Vec<Comment>>,
}

#[derive(Debug, toasty::Model)]
#[table = "comments"]
pub(super) struct Comment {
    #[key]
    pub(super) id: i64,
    #[index]
    pub(super) post_id: i64,
    pub(super) author: String,
    pub(super) body: String,
    #[belongs_to(key = post_id, references = id)]
    pub(super) post: toasty::Deferred<Post>,
}

#[derive(Debug, toasty::Model)]
#[table = "notes"]
pub(super) struct Note {
    #[key]
    #[auto]
    pub(super) id: i64,
    pub(super) author: String,
    pub(super) body: String,
    pub(super) score: i64,
}
