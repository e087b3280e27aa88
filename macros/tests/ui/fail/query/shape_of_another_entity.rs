//! A repository loads shapes of its own entity.
use entourage::prelude::*;

#[derive(Debug, Clone, Entity)]
pub struct User {
    #[entity(primary_key)]
    pub id: i64,
}

#[derive(Debug, Clone, Entity)]
pub struct Post {
    #[entity(primary_key)]
    pub id: i64,
}

#[derive(Debug, Clone, Shape)]
#[shape(entity = Post)]
struct PostCard {
    id: i64,
}

async fn cards(users: UserRepository<'_>) -> Result<()> {
    users.shape::<PostCard>().all().await?;
    Ok(())
}

fn main() {}
