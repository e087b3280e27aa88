//! The attributes that each place takes, with the form of each.

/// What one place takes: `#[entity(..)]` on a struct, on a field, and so on.
#[derive(Debug)]
pub(crate) struct Grammar {
    /// The place, for messages: "a field".
    pub(crate) place: &'static str,
    /// Name and right form of each attribute.
    pub(crate) forms: &'static [(&'static str, &'static str)],
    /// The attributes that may be given more than once.
    pub(crate) repeatable: &'static [&'static str],
    /// Attributes that people look for here, and where they are.
    pub(crate) elsewhere: &'static [(&'static str, &'static str)],
}

impl Grammar {
    /// The right form of an attribute that the place takes.
    pub(crate) fn form(&self, name: &str) -> &'static str {
        self.forms
            .iter()
            .find(|(known, _)| *known == name)
            .map_or("", |(_, form)| form)
    }
}

const ON_A_FIELD: &str = "goes on a field";
const ON_THE_STRUCT: &str = "goes on the struct";
const ON_MANY_TO_MANY: &str = "goes with `many_to_many`";

/// `#[entity(..)]` on the struct of an entity.
pub(crate) static ENTITY: Grammar = Grammar {
    place: "an entity",
    forms: &[
        ("table", "table = \"users\""),
        ("schema", "schema = \"public\""),
        ("rename_all", "rename_all = \"camelCase\""),
        ("new", "new = \"NewUser\""),
        ("patch", "patch = \"UserPatch\""),
        ("repository", "repository = \"UserRepository\""),
        ("module", "module = \"user\""),
        ("unique", "unique(tenant_id, email)"),
        ("index", "index(tenant_id, created_at)"),
        (
            "belongs_to",
            "belongs_to(author: User, foreign_key = author_id)",
        ),
        ("has_many", "has_many(posts: Post, foreign_key = author_id)"),
        (
            "has_one",
            "has_one(profile: Profile, foreign_key = user_id)",
        ),
        (
            "many_to_many",
            "many_to_many(groups: Group, through = Membership)",
        ),
        ("cache", "cache(ttl = \"60s\")"),
    ],
    repeatable: &[
        "unique",
        "index",
        "belongs_to",
        "has_many",
        "has_one",
        "many_to_many",
    ],
    elsewhere: &[
        ("primary_key", ON_A_FIELD),
        ("generated", ON_A_FIELD),
        ("version", ON_A_FIELD),
        ("shard_key", ON_A_FIELD),
        ("column", ON_A_FIELD),
        ("created_at", ON_A_FIELD),
        ("updated_at", ON_A_FIELD),
        ("deleted_at", ON_A_FIELD),
        ("name", "is `table = \"users\"` here"),
        ("table_name", "is `table = \"users\"` here"),
    ],
};

const NO_WRITE: &str = "is for entities: a view is never written";
const FROM_QUERY: &str = "is for entities: a view has what its query gives";

/// `#[view(..)]` on the struct of a view.
pub(crate) static VIEW: Grammar = Grammar {
    place: "a view",
    forms: &[
        (
            "query",
            "query = \"SELECT p.author_id, COUNT(*) AS posts FROM posts p GROUP BY p.author_id\"",
        ),
        ("reads", "reads(Post, Comment)"),
        ("materialized", "materialized"),
        ("maintained", "maintained(Comment = post_id, Post = id)"),
        ("name", "name = \"author_stats\""),
        ("schema", "schema = \"public\""),
        ("rename_all", "rename_all = \"camelCase\""),
        ("repository", "repository = \"AuthorStatsRepository\""),
        ("module", "module = \"author_stats\""),
        ("unique", "unique(tenant_id, email)"),
        ("index", "index(tenant_id, created_at)"),
        (
            "belongs_to",
            "belongs_to(author: User, foreign_key = author_id)",
        ),
        ("has_many", "has_many(posts: Post, foreign_key = author_id)"),
        (
            "has_one",
            "has_one(profile: Profile, foreign_key = user_id)",
        ),
        (
            "many_to_many",
            "many_to_many(groups: Group, through = Membership)",
        ),
    ],
    repeatable: &[
        "unique",
        "index",
        "belongs_to",
        "has_many",
        "has_one",
        "many_to_many",
    ],
    elsewhere: &[
        ("primary_key", ON_A_FIELD),
        ("column", ON_A_FIELD),
        ("table", "is `name = \"author_stats\"` here"),
        ("new", NO_WRITE),
        ("patch", NO_WRITE),
        (
            "cache",
            "is for entities: cache a query of the view by `.cached(ttl)`, or make the view `materialized`",
        ),
        ("sql", "is `query = \"SELECT ..\"` here"),
    ],
};

/// `#[view(..)]` on a field of a view.
pub(crate) static VIEW_FIELD: Grammar = Grammar {
    place: "a field of a view",
    forms: &[
        ("primary_key", "primary_key"),
        ("column", "column = \"email_address\""),
        ("unique", "unique"),
        ("index", "index"),
        ("length", "length = 50"),
        ("shard_key", "shard_key"),
        ("sensitive", "sensitive"),
        ("embedded", "embedded"),
        ("prefix", "prefix = \"home_\""),
    ],
    repeatable: &[],
    elsewhere: &[
        ("name", "is `column = \"email_address\"` here"),
        ("rename", "is `column = \"email_address\"` here"),
        ("id", "is `primary_key` here"),
        ("generated", NO_WRITE),
        ("version", NO_WRITE),
        ("created_at", NO_WRITE),
        ("updated_at", NO_WRITE),
        ("deleted_at", FROM_QUERY),
        ("default", FROM_QUERY),
        ("query", ON_THE_STRUCT),
        ("reads", ON_THE_STRUCT),
        ("materialized", ON_THE_STRUCT),
        ("maintained", ON_THE_STRUCT),
        ("belongs_to", ON_THE_STRUCT),
        ("has_many", ON_THE_STRUCT),
        ("has_one", ON_THE_STRUCT),
        ("many_to_many", ON_THE_STRUCT),
    ],
};

/// `query(..)` of a view, one text a database.
pub(crate) static VIEW_QUERY: Grammar = Grammar {
    place: "`query`",
    forms: &[
        ("sqlite", "sqlite = \"SELECT ..\""),
        ("postgres", "postgres = \"SELECT ..\""),
        ("mysql", "mysql = \"SELECT ..\""),
    ],
    repeatable: &[],
    elsewhere: &[
        ("mariadb", "is `mysql = \"SELECT ..\"` here"),
        ("postgresql", "is `postgres = \"SELECT ..\"` here"),
    ],
};

/// `#[entity(..)]` on a field of an entity or embedded struct.
pub(crate) static FIELD: Grammar = Grammar {
    place: "a field",
    forms: &[
        ("primary_key", "primary_key"),
        ("generated", "generated"),
        ("column", "column = \"email_address\""),
        ("unique", "unique"),
        ("index", "index"),
        ("length", "length = 50"),
        ("default", "default = \"CURRENT_TIMESTAMP\""),
        ("version", "version"),
        ("created_at", "created_at"),
        ("updated_at", "updated_at"),
        ("deleted_at", "deleted_at"),
        ("shard_key", "shard_key"),
        ("sensitive", "sensitive"),
        ("embedded", "embedded"),
        ("prefix", "prefix = \"home_\""),
    ],
    repeatable: &[],
    elsewhere: &[
        ("table", ON_THE_STRUCT),
        ("belongs_to", ON_THE_STRUCT),
        ("has_many", ON_THE_STRUCT),
        ("has_one", ON_THE_STRUCT),
        ("many_to_many", ON_THE_STRUCT),
        ("rename", "is `column = \"email_address\"` here"),
        ("name", "is `column = \"email_address\"` here"),
        (
            "nullable",
            "is not needed: give the field the type `Option<..>`",
        ),
        ("auto_increment", "is `generated` here"),
        ("id", "is `primary_key` here"),
        (
            "skip",
            "does not exist: an entity holds columns only; use a `Shape` for other graphs",
        ),
        (
            "foreign_key",
            "goes into the relation: `#[entity(belongs_to(author: User, foreign_key = author_id))]` on the struct",
        ),
    ],
};

/// `#[entity(..)]` on an embedded struct.
pub(crate) static EMBEDDED: Grammar = Grammar {
    place: "an embedded struct",
    forms: &[("rename_all", "rename_all = \"camelCase\"")],
    repeatable: &[],
    elsewhere: &[
        ("table", "goes on the entity that embeds the struct"),
        ("belongs_to", "goes on the entity that embeds the struct"),
        ("has_many", "goes on the entity that embeds the struct"),
        (
            "prefix",
            "goes on the entity's field: `#[entity(embedded, prefix = \"home_\")]`",
        ),
    ],
};

/// `cache(..)` on an entity.
pub(crate) static CACHE: Grammar = Grammar {
    place: "`cache`",
    forms: &[
        ("ttl", "ttl = \"60s\""),
        ("tti", "tti = \"10s\""),
        ("capacity", "capacity = 10_000"),
        ("max_bytes", "max_bytes = 50_000_000"),
        ("write", "write = \"through\""),
        ("no_negative", "no_negative"),
    ],
    repeatable: &[],
    elsewhere: &[
        ("negative", "is the default; `no_negative` turns it off"),
        ("size", "is `capacity = 10_000` (rows) or `max_bytes` here"),
        ("expires", "is `ttl = \"60s\"` here"),
    ],
};

/// `belongs_to(..)` after its name and target.
pub(crate) static BELONGS_TO: Grammar = Grammar {
    place: "`belongs_to`",
    forms: &[
        ("foreign_key", "foreign_key = author_id"),
        ("references", "references = id"),
        ("optional", "optional"),
        ("filter", "filter = User::ACTIVE.eq(true)"),
        ("order_by", "order_by = User::ID.asc()"),
        ("on_delete", "on_delete = cascade"),
    ],
    repeatable: &[],
    elsewhere: &[
        ("through", ON_MANY_TO_MANY),
        ("from_key", ON_MANY_TO_MANY),
        ("to_key", ON_MANY_TO_MANY),
    ],
};

/// `has_many(..)` and `has_one(..)` after their name and target.
pub(crate) static HAS: Grammar = Grammar {
    place: "`has_many` and `has_one`",
    forms: &[
        ("foreign_key", "foreign_key = author_id"),
        ("references", "references = id"),
        ("filter", "filter = Post::PUBLISHED_AT.is_not_null()"),
        ("order_by", "order_by = Post::PUBLISHED_AT.desc()"),
    ],
    repeatable: &[],
    elsewhere: &[
        ("through", ON_MANY_TO_MANY),
        ("from_key", ON_MANY_TO_MANY),
        ("to_key", ON_MANY_TO_MANY),
        (
            "on_delete",
            "goes with `belongs_to`, on the entity that holds the foreign key",
        ),
        (
            "optional",
            "goes with `belongs_to`; `has_one` is optional, and `has_many` may be empty",
        ),
    ],
};

/// `many_to_many(..)` after its name and target.
pub(crate) static MANY_TO_MANY: Grammar = Grammar {
    place: "`many_to_many`",
    forms: &[
        ("through", "through = Membership"),
        ("from_key", "from_key = user_id"),
        ("to_key", "to_key = group_id"),
        ("filter", "filter = Group::ARCHIVED.eq(false)"),
        ("order_by", "order_by = Group::NAME.asc()"),
    ],
    repeatable: &[],
    elsewhere: &[
        (
            "foreign_key",
            "is `from_key = user_id` and `to_key = group_id` here: the foreign keys of the entity in between",
        ),
        (
            "on_delete",
            "goes with the `belongs_to` of the entity in between",
        ),
        ("optional", "goes with `belongs_to`"),
    ],
};

/// `#[db_enum(..)]` on an enum.
pub(crate) static DB_ENUM: Grammar = Grammar {
    place: "an enum",
    forms: &[
        ("integer", "integer"),
        ("rename_all", "rename_all = \"SCREAMING_SNAKE_CASE\""),
    ],
    repeatable: &[],
    elsewhere: &[("rename", "goes on a variant")],
};

/// `#[db_enum(..)]` on a variant.
pub(crate) static VARIANT: Grammar = Grammar {
    place: "a variant",
    forms: &[("rename", "rename = \"in_review\"")],
    repeatable: &[],
    elsewhere: &[
        ("rename_all", "goes on the enum"),
        ("integer", "goes on the enum"),
    ],
};

/// `#[shape(..)]` on a struct.
pub(crate) static SHAPE: Grammar = Grammar {
    place: "a shape",
    forms: &[("entity", "entity = User"), ("args", "args = CardArgs")],
    repeatable: &[],
    elsewhere: &[
        ("column", ON_A_FIELD),
        ("relation", ON_A_FIELD),
        ("count", ON_A_FIELD),
        ("table", "is `entity = User` here"),
    ],
};

/// `#[shape(..)]` on a field.
pub(crate) static SHAPE_FIELD: Grammar = Grammar {
    place: "a field of a shape",
    forms: &[
        ("column", "column = name"),
        ("relation", "relation = posts"),
        ("embedded", "embedded = address"),
        ("flatten", "flatten"),
        ("through", "through = author, column = User::NAME"),
        ("count", "count = posts"),
        ("exists", "exists = posts"),
        ("sum", "sum(posts, Post::LIKES)"),
        ("avg", "avg(posts, Post::LIKES)"),
        ("min", "min(posts, Post::LIKES)"),
        ("max", "max(posts, Post::LIKES)"),
        ("filter", "filter = Post::PUBLISHED.eq(true)"),
        ("order_by", "order_by = Post::ID.desc()"),
        ("limit", "limit = 3"),
        ("offset", "offset = 3"),
        ("args", "args = args.of_posts.clone()"),
    ],
    repeatable: &[],
    elsewhere: &[
        ("entity", ON_THE_STRUCT),
        ("rename", "is `column = name` here"),
        ("nested", "is `relation` here"),
    ],
};
