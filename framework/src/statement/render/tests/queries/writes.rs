//! Rows written, and rows locked.
use super::*;

pub(super) fn inserts() -> Named {
    let groups = |rows: &[(&str, &str)]| Insert {
        table: Group::table(),
        columns: vec![0, 1],
        rows: rows
            .iter()
            .map(|(code, title)| vec![Some(text(code)), Some(text(title))])
            .collect(),
        conflict: None,
        returning: Vec::new(),
    };
    let returning = |insert: Insert| Insert {
        returning: vec![0],
        ..insert
    };
    let conflict = |update: Vec<usize>| {
        Some(Conflict {
            target: vec![0],
            update,
            set: Vec::new(),
        })
    };
    vec![
        ("rows", Owned::Insert(groups(&[("a", "A"), ("b", "B")]))),
        (
            "a row, with what the database made",
            Owned::Insert(returning(groups(&[("c", "C")]))),
        ),
        (
            "leave what is there",
            Owned::Insert(Insert {
                conflict: conflict(Vec::new()),
                ..groups(&[("a", "A")])
            }),
        ),
        (
            "overwrite what is there",
            Owned::Insert(Insert {
                conflict: conflict(vec![1]),
                ..groups(&[("a", "A")])
            }),
        ),
        (
            "overwrite and count up",
            Owned::Insert(Insert {
                table: Lease::table(),
                columns: vec![0, 1, 3],
                rows: vec![vec![
                    Some(int(1)),
                    Some(Value::Int(Some(2))),
                    Some(text("Ada")),
                ]],
                conflict: Some(Conflict {
                    target: vec![0],
                    update: vec![3],
                    set: vec![(1, Lease::TENANT.add(1).into_term())],
                }),
                returning: Vec::new(),
            }),
        ),
    ]
}

/// The forms that all backends of a dialect take; another one says that it is unsupported.
pub(super) fn batches() -> Named {
    let batch = |form, conflict: Option<Conflict>, rows: Vec<Value>| {
        let batch = Batch {
            table: Group::table(),
            columns: vec![0, 1],
            form,
            conflict,
        };
        Owned::Batch(batch, rows)
    };
    let two = || ["a", "A", "b", "B"].map(text).to_vec();
    let arrays = || {
        let columns = [["a", "b"], ["A", "B"]].map(|column| column.map(text).to_vec());
        columns.into_iter().filter_map(array).collect()
    };
    let met = Conflict {
        target: vec![0],
        update: vec![1],
        set: Vec::new(),
    };
    let update = |form, rows: usize| {
        let update = BatchUpdate {
            table: User::table(),
            by: vec![User::ID.position(), User::VERSION.position()],
            columns: vec![User::NAME.position()],
            set: vec![(User::VERSION.position(), User::VERSION.add(1).into_term())],
            form,
        };
        let row = |id: i64| vec![int(id), int(4), text("Ada")];
        Owned::BatchUpdate(update, (1..).take(rows).map(row).collect())
    };
    vec![
        ("values", batch(BatchForm::Values(2), None, two())),
        (
            "values that overwrite",
            batch(BatchForm::Values(2), Some(met.clone()), two()),
        ),
        ("arrays", batch(BatchForm::Arrays, None, arrays())),
        (
            "arrays that overwrite",
            batch(BatchForm::Arrays, Some(met), arrays()),
        ),
        ("rows by values", update(BatchUpdateForm::Values(2), 2)),
        ("rows by arrays", update(BatchUpdateForm::Arrays, 2)),
        ("rows by cases", update(BatchUpdateForm::Case(2), 2)),
    ]
}

/// What is not run as other statements are.
pub(in crate::statement::render::tests) fn copy() -> Batch {
    Batch {
        table: Group::table(),
        columns: vec![0, 1],
        form: BatchForm::Copy,
        conflict: None,
    }
}

pub(super) fn updates_and_deletes() -> Named {
    let one = |filter: Option<Condition>| Target {
        table: User::table(),
        filter,
    };
    let name = User::NAME.position();
    let version = User::VERSION.position();
    let at_version = || Some(User::ID.eq(1).and(User::VERSION.eq(4)).into_condition());
    vec![
        (
            "a row at its version",
            Owned::Update(
                one(at_version()),
                vec![
                    (name, Term::Value(text("Ada"))),
                    (version, User::VERSION.add(1).into_term()),
                ],
            ),
        ),
        (
            "rows by a relation",
            Owned::Update(
                one(Some(User::POSTS.is_empty().into_condition())),
                vec![(version, Term::Value(int(0)))],
            ),
        ),
        ("all rows deleted", Owned::Delete(one(None))),
        (
            "rows deleted by key",
            Owned::Delete(one(Some(User::ID.in_list([1, 2]).into_condition()))),
        ),
    ]
}

fn update(wait: LockWait) -> Lock {
    Lock {
        strength: LockStrength::Update,
        wait,
        by_key: false,
    }
}

pub(super) fn locks() -> Named {
    let related = |level: Level| {
        let order = level.table.primary_key.iter().map(|&key| OrderTerm {
            term: Term::Column(key),
            direction: Direction::Asc,
            nulls: Nulls::Smallest,
        });
        Owned::Level(Level {
            order: order.collect(),
            lock: level.lock.or(Some(update(LockWait::SkipLocked))),
            ..level
        })
    };
    let locked = |strength, wait| {
        Owned::Level(Level {
            filter: Some(User::ID.in_list([1, 2]).into_condition()),
            order: ordered(User::ID.asc()),
            lock: Some(Lock {
                strength,
                wait,
                by_key: wait == LockWait::Wait,
            }),
            ..level::<User>()
        })
    };
    vec![
        ("for update", locked(LockStrength::Update, LockWait::Wait)),
        (
            "for update, what is free",
            locked(LockStrength::Update, LockWait::SkipLocked),
        ),
        (
            "for share, at once",
            locked(LockStrength::Share, LockWait::NoWait),
        ),
        (
            "for no key update",
            locked(LockStrength::NoKeyUpdate, LockWait::Wait),
        ),
        ("children", related(linked(user::Posts, vec![vec![int(1)]]))),
        (
            "the parents",
            related(Level {
                lock: Some(Lock {
                    by_key: true,
                    ..update(LockWait::Wait)
                }),
                ..linked(post::Author, vec![vec![int(1)], vec![int(2)]])
            }),
        ),
        (
            "many to many, not what is in between",
            related(linked(user::Groups, vec![vec![int(1)]])),
        ),
        (
            "by a text key, not the parents",
            related(linked(
                country::Users,
                vec![vec![Value::String(Some("at".into()))]],
            )),
        ),
        (
            "by a text key that parents share",
            related(linked(
                user::Country,
                vec![vec![Value::String(Some("at".into()))]],
            )),
        ),
    ]
}
