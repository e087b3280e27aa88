//! The queries whose texts are kept as snapshots, in groups, built as the layers above build them.
pub(super) mod writes;

use super::{
    arbitrary::Owned,
    models::{
        Comment, Country, Employee, Group, Lease, Plot, Post, Token, User, comment, country,
        employee, group, lease, plot, post, user,
    },
};
use crate::{
    prelude::*,
    schema::{
        Condition, Entity, Operand, OrderTerm, RelationDef, Value,
        expression::{AggregateKind, ByAddress, Direction, Nulls, Term},
    },
    statement::query::{
        Batch, BatchForm, BatchUpdate, BatchUpdateForm, Conflict, Figure, Insert, Join, Keys,
        Level, Link, Lock, LockStrength, LockWait, Part, Scalar, Target, array,
    },
};

/// Queries with names.
pub(super) type Named = Vec<(&'static str, Owned)>;

/// Every group with its name.
pub(super) fn groups() -> Vec<(&'static str, Named)> {
    vec![
        ("conditions", conditions()),
        ("relations_in_filters", relations_in_filters()),
        ("orders_and_bounds", orders_and_bounds()),
        ("links", links()),
        ("links_by_text_keys", links_by_text_keys()),
        ("joins", joins()),
        ("figures", figures()),
        ("unified", unified()),
        ("inserts", writes::inserts()),
        ("batches", writes::batches()),
        ("updates_and_deletes", writes::updates_and_deletes()),
        ("locks", writes::locks()),
    ]
}

fn relation<R: Relation>(_: R) -> ByAddress<RelationDef> {
    ByAddress(R::def())
}

fn level<E: Entity>() -> Level {
    let table = E::table();
    Level {
        columns: table.primary_key.clone(),
        ..Level::all(table)
    }
}

fn filtered<E: Entity>(filter: Filter<E>) -> Owned {
    Owned::Level(Level {
        filter: Some(filter.into_condition()),
        ..level::<E>()
    })
}

fn ordered<E: Entity>(order: impl IntoOrder<E>) -> Vec<OrderTerm> {
    order.into_order()
}

fn int(value: i64) -> Value {
    Value::BigInt(Some(value))
}

fn text(value: &str) -> Value {
    Value::String(Some(value.to_owned()))
}

fn conditions() -> Named {
    vec![
        (
            "a row by key",
            Owned::Level(Level {
                filter: Some(User::ID.eq(7).into_condition()),
                ..Level::all(User::table())
            }),
        ),
        (
            "comparisons",
            filtered(
                User::ID
                    .ge(1)
                    .and(User::ID.lt(9))
                    .and(User::NAME.ne("Ada").or(User::VERSION.eq(User::ID))),
            ),
        ),
        ("like, escaped", filtered(User::NAME.contains("50%"))),
        (
            "like, whatever the case",
            filtered(!User::NAME.ilike("ADA%")),
        ),
        (
            "between and null",
            filtered(User::ID.between(1, 3).and(User::COUNTRY_CODE.is_null())),
        ),
        (
            "an empty list",
            filtered(User::ID.in_list(Vec::<i64>::new())),
        ),
        ("a list of one", filtered(User::ID.in_list([1]))),
        ("a list", filtered(User::ID.in_list([1, 2, 3]))),
        (
            "not in a list of texts",
            filtered(User::NAME.not_in_list(["a", "b"])),
        ),
        (
            "a list of binary keys",
            filtered(Token::ID.in_list([uuid::Uuid::nil(), uuid::Uuid::max()])),
        ),
        (
            "a list of decimals",
            filtered(
                Employee::SALARY.in_list([rust_decimal::Decimal::ONE, rust_decimal::Decimal::TEN]),
            ),
        ),
        (
            "composite keys",
            Owned::Level(Level {
                filter: Some(Condition::TupleIn {
                    columns: Plot::table().primary_key.clone(),
                    tuples: vec![
                        vec![Value::Int(Some(1)), Value::Int(Some(2))],
                        vec![Value::Int(Some(3)), Value::Int(Some(4))],
                        vec![Value::Int(Some(5)), Value::Int(Some(6))],
                    ],
                }),
                ..level::<Plot>()
            }),
        ),
        (
            "all of none, any of none",
            filtered(Filter::<User>::all([]).and(Filter::any([]))),
        ),
        (
            "distinct rows",
            Owned::Level(Level {
                columns: vec![Post::AUTHOR_ID.position()],
                distinct: true,
                ..Level::all(Post::table())
            }),
        ),
    ]
}

fn relations_in_filters() -> Named {
    vec![
        (
            "a child exists",
            filtered(User::POSTS.any(Post::TITLE.like("A%"))),
        ),
        (
            "no child exists, with a scope",
            filtered(User::PUBLISHED.is_empty()),
        ),
        (
            "many to many",
            filtered(User::GROUPS.any(Group::TITLE.eq("admins"))),
        ),
        (
            "nested",
            filtered(Country::USERS.any(User::POSTS.any(Post::COMMENTS.is_not_empty()))),
        ),
        (
            "the table itself",
            filtered(Employee::REPORTS.any(Employee::SALARY.gt(rust_decimal::Decimal::TEN))),
        ),
        (
            "a count",
            filtered(User::POSTS.count().filter(Post::LIKES.gt(10)).ge(3)),
        ),
        (
            "through a to-one relation",
            filtered(Employee::MANAGER.through(Employee::NAME).eq("Ada")),
        ),
        (
            "through a has_one relation with an order",
            filtered(User::LATEST.through(Post::TITLE).eq("new")),
        ),
        (
            "composite",
            filtered(Plot::LEASES.any(Lease::HOLDER.eq("Ada"))),
        ),
    ]
}

fn orders_and_bounds() -> Named {
    let page = |order, limit, offset| {
        Owned::Level(Level {
            order,
            limit,
            offset,
            ..level::<Post>()
        })
    };
    vec![
        (
            "ties are broken by key",
            page(ordered(Post::TITLE.asc()), Some(10), None),
        ),
        (
            "by key alone",
            page(ordered(Post::ID.desc()), Some(10), Some(20)),
        ),
        (
            "an offset alone",
            page(ordered(Post::ID.asc()), None, Some(20)),
        ),
        (
            "nulls are smallest",
            page(
                ordered((Post::PUBLISHED_AT.desc(), Post::TITLE.asc())),
                None,
                None,
            ),
        ),
        (
            "nulls first and last",
            page(
                ordered((
                    Post::PUBLISHED_AT.desc().nulls_first(),
                    Post::DELETED_AT.asc().nulls_last(),
                )),
                None,
                None,
            ),
        ),
        (
            "by a figure, nulls last",
            Owned::Level(Level {
                order: ordered(
                    User::POSTS
                        .max(Post::LIKES)
                        .filter(Post::TITLE.ne("x"))
                        .desc()
                        .nulls_last(),
                ),
                ..level::<User>()
            }),
        ),
        (
            "how many rows",
            Owned::Scalar(Scalar {
                level: Level {
                    filter: Some(Post::LIKES.gt(3).into_condition()),
                    ..Level::all(Post::table())
                },
                aggregate: AggregateKind::Count,
            }),
        ),
        (
            "the sum over a page",
            Owned::Scalar(Scalar {
                level: Level {
                    limit: Some(5),
                    offset: Some(1),
                    ..Level::all(Post::table())
                },
                aggregate: AggregateKind::Sum(Post::LIKES.position()),
            }),
        ),
    ]
}

fn linked<R: Relation>(of: R, keys: Vec<Vec<Value>>) -> Level {
    Level {
        link: Some(Link {
            relation: relation(of),
            keys: Keys::Values(keys),
        }),
        ..level::<R::To>()
    }
}

fn links() -> Named {
    let users = || vec![vec![int(1)], vec![int(2)]];
    vec![
        (
            "children of one parent",
            Owned::Level(linked(user::Posts, vec![vec![int(1)]])),
        ),
        (
            "children in order",
            Owned::Level(Level {
                order: ordered(Post::LIKES.desc()),
                filter: Some(Post::DELETED_AT.is_null().into_condition()),
                ..linked(user::Posts, users())
            }),
        ),
        (
            "the first two of each parent",
            Owned::Level(Level {
                order: ordered(Post::LIKES.desc()),
                filter: Some(Post::TITLE.ne("x").into_condition()),
                limit: Some(2),
                offset: Some(1),
                ..linked(user::Posts, users())
            }),
        ),
        ("the parent", Owned::Level(linked(comment::Post, users()))),
        (
            "many to many",
            Owned::Level(Level {
                order: ordered(Group::TITLE.asc()),
                ..linked(user::Groups, users())
            }),
        ),
        (
            "many to many, the first of each",
            Owned::Level(Level {
                limit: Some(1),
                ..linked(user::Groups, users())
            }),
        ),
        ("itself", Owned::Level(linked(employee::Reports, users()))),
        (
            "composite keys",
            Owned::Level(linked(
                plot::Leases,
                vec![
                    vec![Value::Int(Some(1)), Value::Int(Some(2))],
                    vec![Value::Int(Some(3)), Value::Int(Some(4))],
                ],
            )),
        ),
        (
            "composite keys, one parent",
            Owned::Level(linked(
                lease::Leased,
                vec![vec![Value::Int(Some(1)), Value::Int(Some(2))]],
            )),
        ),
    ]
}

fn links_by_text_keys() -> Named {
    let codes = || vec![vec![text("de")], vec![text("FR")]];
    vec![
        (
            "the parent's own value comes back",
            Owned::Level(linked(country::Users, codes())),
        ),
        (
            "one of each parent",
            Owned::Level(Level {
                limit: Some(1),
                ..linked(country::Users, codes())
            }),
        ),
        ("to one", Owned::Level(linked(user::Country, codes()))),
        (
            "many to many",
            Owned::Level(linked(group::Members, codes())),
        ),
        (
            "a figure",
            Owned::Figure(Figure {
                link: Link {
                    relation: relation(country::Users),
                    keys: Keys::Values(codes()),
                },
                filter: None,
                aggregate: AggregateKind::Count,
            }),
        ),
    ]
}

fn join<R: Relation>(of: R) -> Join {
    Join {
        relation: relation(of),
        columns: R::To::table().primary_key.clone(),
        filter: None,
        order: Vec::new(),
        limit: None,
        offset: None,
        joins: Vec::new(),
    }
}

fn joins() -> Named {
    vec![
        (
            "to one, to one",
            Owned::Level(Level {
                filter: Some(Comment::BODY.like("A%").into_condition()),
                joins: vec![Join {
                    filter: Some(Post::TITLE.ne("x").into_condition()),
                    joins: vec![join(post::Author)],
                    ..join(comment::Post)
                }],
                limit: Some(10),
                ..level::<Comment>()
            }),
        ),
        (
            "two to one table",
            Owned::Level(Level {
                joins: vec![
                    join(comment::Author),
                    Join {
                        joins: vec![join(post::Author)],
                        ..join(comment::Post)
                    },
                ],
                ..level::<Comment>()
            }),
        ),
        (
            "the table itself",
            Owned::Level(Level {
                joins: vec![join(employee::Manager)],
                order: ordered(Employee::NAME.asc()),
                ..level::<Employee>()
            }),
        ),
        (
            "to many",
            Owned::Level(Level {
                joins: vec![Join {
                    order: ordered(Post::LIKES.desc()),
                    ..join(user::Posts)
                }],
                ..level::<User>()
            }),
        ),
        (
            "to many below a page",
            Owned::Level(Level {
                joins: vec![Join {
                    filter: Some(Post::LIKES.gt(1).into_condition()),
                    ..join(user::Posts)
                }],
                order: ordered(User::NAME.asc()),
                filter: Some(User::NAME.ne("x").into_condition()),
                limit: Some(10),
                offset: Some(5),
                ..level::<User>()
            }),
        ),
        (
            "many to many",
            Owned::Level(Level {
                joins: vec![join(user::Groups)],
                ..level::<User>()
            }),
        ),
        (
            "the first of each",
            Owned::Level(Level {
                joins: vec![Join {
                    order: ordered(Post::LIKES.desc()),
                    filter: Some(Post::TITLE.ne("x").into_condition()),
                    limit: Some(1),
                    ..join(user::Posts)
                }],
                ..level::<User>()
            }),
        ),
        (
            "composite keys",
            Owned::Level(Level {
                joins: vec![join(plot::Leases)],
                ..level::<Plot>()
            }),
        ),
    ]
}

fn figures() -> Named {
    let keys = || Keys::Values(vec![vec![int(1)], vec![int(2)]]);
    let figure = |relation, aggregate, filter: Option<Condition>| {
        Owned::Figure(Figure {
            link: Link {
                relation,
                keys: keys(),
            },
            filter,
            aggregate,
        })
    };
    vec![
        (
            "a count",
            figure(relation(user::Posts), AggregateKind::Count, None),
        ),
        (
            "whether there is any",
            figure(relation(user::Groups), AggregateKind::Exists, None),
        ),
        (
            "a sum of some",
            figure(
                relation(user::Posts),
                AggregateKind::Sum(Post::LIKES.position()),
                Some(Post::TITLE.ne("x").into_condition()),
            ),
        ),
        (
            "a mean",
            figure(
                relation(user::Posts),
                AggregateKind::Avg(Post::LIKES.position()),
                None,
            ),
        ),
        (
            "the latest",
            figure(
                relation(user::Posts),
                AggregateKind::Max(Post::PUBLISHED_AT.position()),
                None,
            ),
        ),
    ]
}

fn unified() -> Named {
    let below = |of, level: usize, ordinals: Vec<usize>| Link {
        relation: of,
        keys: Keys::Level { level, ordinals },
    };
    let posts = |limit| {
        Part::Rows(Level {
            order: ordered(Post::LIKES.desc()),
            filter: Some(Post::DELETED_AT.is_null().into_condition()),
            limit,
            link: Some(below(relation(user::Posts), 0, vec![0])),
            columns: vec![
                Post::ID.position(),
                Post::AUTHOR_ID.position(),
                Post::TITLE.position(),
            ],
            ..level::<Post>()
        })
    };
    let users = || {
        Part::Rows(Level {
            columns: vec![
                User::ID.position(),
                User::NAME.position(),
                User::COUNTRY_CODE.position(),
            ],
            filter: Some(User::NAME.like("A%").into_condition()),
            ..level::<User>()
        })
    };
    vec![
        (
            "three levels and a count",
            Owned::Unified(vec![
                users(),
                posts(None),
                Part::Rows(Level {
                    link: Some(below(relation(post::Comments), 1, vec![1])),
                    ..level::<Comment>()
                }),
                Part::Figure(Figure {
                    link: below(relation(user::Posts), 0, vec![0]),
                    filter: None,
                    aggregate: AggregateKind::Count,
                }),
            ]),
        ),
        (
            "a page of users with the first two of each",
            Owned::Unified(vec![
                Part::Rows(Level {
                    order: ordered(User::NAME.asc()),
                    limit: Some(10),
                    ..level::<User>()
                }),
                posts(Some(2)),
            ]),
        ),
        (
            "text keys, and a join below",
            Owned::Unified(vec![
                Part::Rows(level::<Country>()),
                Part::Rows(Level {
                    link: Some(below(relation(country::Users), 0, vec![0])),
                    joins: vec![join(user::Profile)],
                    ..level::<User>()
                }),
            ]),
        ),
        (
            "many to many, and composite keys",
            Owned::Unified(vec![
                Part::Rows(level::<Group>()),
                Part::Rows(Level {
                    link: Some(below(relation(group::Members), 0, vec![0])),
                    ..level::<User>()
                }),
            ]),
        ),
        (
            "composite keys",
            Owned::Unified(vec![
                Part::Rows(level::<Plot>()),
                Part::Rows(Level {
                    link: Some(below(relation(plot::Leases), 0, vec![0, 1])),
                    ..level::<Lease>()
                }),
            ]),
        ),
    ]
}
