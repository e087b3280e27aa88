//! What the application stores, and what it does with it.
//!
//! Each file has its entities, the shapes that are read of them, and the functions that handlers call. A function takes
//! a database handle and plain values; it knows nothing of HTTP but the [`Error`](crate::error::Error) that it returns.
pub mod article;
pub mod comment;
pub mod tag;
pub mod user;

pub use article::Article;
pub use comment::Comment;
pub use tag::Tag;
pub use user::User;

/// All tables, to compare them with a database.
pub type Schema = (
    User,
    user::Follow,
    Article,
    article::Favorite,
    Tag,
    tag::ArticleTag,
    Comment,
);
