//! Rows to load graphs of.

use entourage::{Database, Result};
use entourage_tests::models::blog::*;
use proptest::{collection::vec, option, prelude::*, sample::Index};

/// Rows before they have keys: each points at others by index.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    users: Vec<Option<i32>>,
    posts: Vec<(Index, Option<Index>, Option<i32>)>,
    comments: Vec<(Index, i32)>,
    profiles: Vec<Index>,
    groups: usize,
    memberships: Vec<(Index, Index)>,
}

pub(crate) fn drafts() -> impl proptest::strategy::Strategy<Value = Draft> {
    let index = any::<Index>;
    (
        vec(option::of(0..4), 0..5),
        vec((index(), option::of(index()), option::of(0..4)), 0..10),
        vec((index(), 0..4), 0..12),
        vec(index(), 0..5),
        0_usize..4,
        vec((index(), index()), 0..6),
    )
        .prop_map(
            |(users, posts, comments, profiles, groups, memberships)| Draft {
                users,
                posts,
                comments,
                profiles,
                groups,
                memberships,
            },
        )
}

/// The rows as they are in the database.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) users: Vec<User>,
    pub(crate) posts: Vec<Post>,
    pub(crate) comments: Vec<Comment>,
    pub(crate) profiles: Vec<Profile>,
    pub(crate) groups: Vec<Group>,
    pub(crate) memberships: Vec<Membership>,
}

impl Draft {
    /// Replaces all rows in the database by these.
    pub(crate) async fn insert(self, db: &Database) -> Result<Rows> {
        empty(db).await?;
        let new = self.users.iter().enumerate().map(|(number, age)| NewUser {
            age: *age,
            ..user(&format!("U{number}"))
        });
        let users = UserRepository::new(db).insert_many(new).await?;
        let pick = |index: &Index| (!users.is_empty()).then(|| users[index.index(users.len())].id);
        let new = self.posts.iter().filter_map(|(author, editor, rating)| {
            let post = NewPost::new(pick(author)?, "title".to_owned(), 0);
            Some(NewPost {
                editor_id: editor.as_ref().and_then(pick),
                rating: *rating,
                ..post
            })
        });
        let posts = PostRepository::new(db).insert_many(new).await?;
        let new = self
            .comments
            .iter()
            .filter(|_| !posts.is_empty())
            .map(|(post, likes)| {
                NewComment::new(posts[post.index(posts.len())].id, "body".to_owned(), *likes)
            });
        let comments = CommentRepository::new(db).insert_many(new).await?;
        let new = self
            .profiles
            .iter()
            .filter_map(|user| Some(NewProfile::new(pick(user)?, "bio".to_owned())));
        let profiles = ProfileRepository::new(db).insert_many(new).await?;
        let new = (0..self.groups).map(|number| NewGroup::new(format!("G{number}")));
        let groups = GroupRepository::new(db).insert_many(new).await?;
        let mut pairs: Vec<_> = self
            .memberships
            .iter()
            .filter(|_| !groups.is_empty())
            .filter_map(|(user, group)| Some((pick(user)?, groups[group.index(groups.len())].id)))
            .collect();
        pairs.sort_unstable();
        pairs.dedup();
        let new = pairs
            .into_iter()
            .map(|(user, group)| NewMembership::new(user, group));
        let memberships = MembershipRepository::new(db).insert_many(new).await?;
        Ok(Rows {
            users,
            posts,
            comments,
            profiles,
            groups,
            memberships,
        })
    }
}

async fn empty(db: &Database) -> Result<()> {
    MembershipRepository::new(db).query().delete().await?;
    GroupRepository::new(db).query().delete().await?;
    ProfileRepository::new(db).query().delete().await?;
    CommentRepository::new(db).query().delete().await?;
    PostRepository::new(db).query().delete().await?;
    UserRepository::new(db).query().delete().await?;
    Ok(())
}
