//! Generated code is documented, quiet under strict lints, and works inside a function; a long ring of relations
//! compiles.
#![deny(
    missing_docs,
    warnings,
    clippy::all,
    rust_2018_idioms,
    unreachable_pub,
    missing_debug_implementations
)]
use entourage::prelude::*;

/// A library of models.
pub mod models {
    use entourage::prelude::*;

    /// A user.
    #[derive(Debug, Clone, Entity)]
    #[entity(has_many(posts: super::Post, foreign_key = author_id), unique(name, street))]
    #[entity(many_to_many(friends: Self, through = Friendship, from_key = a_id, to_key = b_id))]
    pub struct User {
        /// The key.
        #[entity(primary_key, generated)]
        pub id: i64,
        /// The name.
        #[entity(unique)]
        pub name: String,
        /// The street.
        pub street: Option<String>,
        /// A keyword.
        pub r#type: Kind,
        /// The password's hash.
        #[entity(sensitive)]
        pub(crate) hash: Option<String>,
        /// The home.
        #[entity(embedded)]
        pub home: Home,
        /// The lock.
        #[entity(version)]
        pub version: i32,
    }

    /// A kind.
    #[derive(Debug, Clone, DbEnum)]
    pub enum Kind {
        /// A guest.
        Guest,
        /// A member.
        Member,
    }

    /// A home.
    #[derive(Debug, Clone, Embedded)]
    pub struct Home {
        /// The city.
        pub city: String,
    }

    /// Two friends.
    #[derive(Debug, Clone, Entity)]
    #[entity(unique = (a_id, b_id))]
    #[entity(unique = (b_id, a_id))]
    pub struct Friendship {
        /// One.
        #[entity(primary_key)]
        pub a_id: i64,
        /// The other.
        #[entity(primary_key)]
        pub b_id: i64,
    }
}

#[derive(Debug, Clone, Entity)]
#[entity(belongs_to(author: models::User))]
pub(crate) struct Draft {
    #[entity(primary_key)]
    id: i64,
    author_id: i64,
}

/// A post.
#[derive(Debug, Clone, Entity)]
#[entity(belongs_to(author: models::User))]
pub struct Post {
    /// The key.
    #[entity(primary_key)]
    pub id: i64,
    /// The author.
    pub author_id: i64,
}

/// Private entities, inside a function too.
#[test]
fn generated_code_is_quiet_under_strict_lints() {
    #[derive(Debug, Clone, Entity)]
    #[entity(has_many(leaves: Leaf))]
    struct Tree {
        #[entity(primary_key)]
        id: i64,
    }

    #[derive(Debug, Clone, Entity)]
    #[entity(belongs_to(tree: Tree))]
    struct Leaf {
        #[entity(primary_key)]
        id: i64,
        tree_id: i64,
    }

    let tree = Tree { id: 1 };
    let leaf = Leaf {
        id: 1,
        tree_id: tree.id,
    };
    let draft = Draft {
        id: leaf.id,
        author_id: leaf.tree_id,
    };
    assert_eq!(format!("{draft:?}"), "Draft { id: 1, author_id: 1 }");
    assert_eq!((draft.id, draft.author_id), (1, 1));
    assert_eq!(
        format!("{:?}", (Tree::LEAVES, Leaf::TREE)),
        "(Leaves, Tree)"
    );
    let _: models::user::Posts = models::User::POSTS;
    let new = models::NewUser::new(
        "Ada".into(),
        models::Kind::Guest,
        models::Home {
            city: "London".into(),
        },
    );
    assert!(!format!("{new:?}").contains("hash"));
    assert_eq!(models::User::table().columns.len(), 7);
}

/// A ring.
mod ring {
    use entourage::prelude::*;

    macro_rules! ring {
    ($($name:ident -> $next:ident;)*) => {
        $(#[derive(Debug, Clone, Entity)]
        #[entity(belongs_to(next: $next), has_many(followers: $name, foreign_key = next_id))]
        struct $name {
            #[entity(primary_key, generated)]
            id: i64,
            next_id: i64,
        })*
    };
}

    ring! {
        A -> B; B -> C; C -> D; D -> E; E -> F; F -> G; G -> H; H -> I; I -> J; J -> K; K -> L; L -> A;
    }

    /// Each entity of the ring leads to the next.
    #[test]
    fn a_long_ring_of_relations_compiles() {
        let target = A::NEXT;
        assert_eq!(format!("{target:?}"), "Next");
        assert_eq!(A::relations().len(), 2);
    }
}

/// Secrets in a struct of columns.
mod secrets {
    use entourage::prelude::*;

    #[derive(Debug, Clone, Embedded)]
    pub(crate) struct Login {
        pub(crate) name: String,
        #[entity(sensitive)]
        pub(crate) hash: String,
    }

    #[derive(Debug, Clone, Embedded)]
    pub(crate) struct Access {
        #[entity(embedded)]
        pub(crate) login: Login,
    }

    #[derive(Debug, Clone, Entity)]
    pub(crate) struct Account {
        #[entity(primary_key)]
        pub(crate) id: i64,
        #[entity(embedded)]
        pub(crate) access: Access,
        #[entity(embedded)]
        pub(crate) former: Option<Login>,
    }

    /// What is beside an entity shows none of its secrets.
    #[test]
    fn secrets_of_embedded_structs_are_not_shown() {
        let login = || Login {
            name: "ada".into(),
            hash: "s3cret".into(),
        };
        let new = NewAccount {
            id: 1,
            access: Access { login: login() },
            former: Some(login()),
        };
        assert_eq!(format!("{new:?}"), "NewAccount { id: 1, .. }");
        let patch = AccountPatch {
            former: Some(Some(login())),
            ..Default::default()
        };
        assert_eq!(format!("{patch:?}"), "AccountPatch { .. }");
    }
}

/// Names and types as few people write them.
mod unusual {
    use chrono::{DateTime, Utc};
    use entourage::prelude::*;

    macro_rules! entity {
        ($name:ident in $table:literal { $($field:ident ($column:literal): $type:ty,)* } gone: $gone:ty) => {
            #[derive(Debug, Clone, Entity)]
            #[entity(table = $table, unique(type, id))]
            struct $name {
                #[entity(primary_key)]
                id: i64,
                $(#[entity(column = $column)]
                $field: $type,)*
                #[entity(deleted_at)]
                gone: $gone,
                r#type: i32,
                kind_: i32,
                _2fa_enabled: bool,
                _fivetran_synced: i64,
            }
        };
    }

    entity!(Thing in "Things" { note("Note"): Option<String>, } gone: Option<DateTime<Utc>>);

    #[derive(Debug, Clone, PartialEq, Eq, Hash, DbNewtype)]
    struct OrderId(uuid::Uuid);

    #[derive(Debug, Clone, Entity)]
    struct Order {
        #[entity(primary_key, generated, shard_key)]
        id: OrderId,
        #[entity(primary_key)]
        number: i64,
    }

    /// What type a newtype holds, the compiler knows and not the derive.
    #[test]
    fn a_newtype_of_a_uuid_is_generated_like_one() {
        let order = Order {
            id: OrderId(uuid::Uuid::nil()),
            number: 1,
        };
        assert_eq!(order.key(), (OrderId(uuid::Uuid::nil()), order.number));
        let columns = &Order::table().columns;
        assert_eq!(
            columns[0].default,
            entourage::schema::ColumnDefault::ClientUuid
        );
        assert_eq!(Order::table().shard_key, Some(0));
    }

    /// Macros hand types and texts over in groups of their own.
    #[test]
    fn entities_are_written_by_macros_too() {
        let names: Vec<_> = Thing::table()
            .columns
            .iter()
            .map(|column| (column.name, column.nullable))
            .collect();
        let expected = [
            ("id", false),
            ("Note", true),
            ("gone", true),
            ("type", false),
            ("kind_", false),
            ("_2fa_enabled", false),
            ("_fivetran_synced", false),
        ];
        assert_eq!(names, expected);
        assert_eq!(Thing::table().name, "Things");
        assert_eq!(Thing::_2FA_ENABLED.name(), "_2fa_enabled");
        let thing = Thing {
            id: 1,
            note: None,
            gone: None,
            r#type: 1,
            kind_: 2,
            _2fa_enabled: true,
            _fivetran_synced: 3,
        };
        assert!(thing._2fa_enabled);
        assert_eq!(
            (
                thing.id,
                thing.note,
                thing.gone,
                thing.r#type,
                thing.kind_,
                thing._fivetran_synced
            ),
            (1, None, None, 1, 2, 3)
        );
    }
}
