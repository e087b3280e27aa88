use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::schema::{ColumnDef, ColumnDefault, SqlType};

fn table(version: bool, marks: bool) -> TableDef {
    let column = |name| ColumnDef {
        name,
        field: name,
        sql_type: SqlType::BigInt,
        nullable: true,
        default: ColumnDefault::None,
        length: None,
        sensitive: false,
    };
    TableDef {
        entity: "Thing",
        name: "things",
        schema: None,
        columns: ["id", "a", "b", "version", "deleted_at"]
            .map(column)
            .to_vec(),
        primary_key: vec![0],
        indexes: Vec::new(),
        version: version.then_some(3),
        created_at: None,
        updated_at: None,
        deleted_at: marks.then_some(4),
        shard_key: None,
        cache: None,
        view: None,
        relations: Vec::new,
    }
}

static PLAIN: LazyLock<TableDef> = LazyLock::new(|| table(false, false));
static VERSIONED: LazyLock<TableDef> = LazyLock::new(|| table(true, false));
static MARKED: LazyLock<TableDef> = LazyLock::new(|| table(true, true));

fn int(value: i64) -> Value {
    Value::BigInt(Some(value))
}

fn row(a: i64, b: i64, version: i64) -> RowValues {
    vec![int(1), int(a), int(b), int(version), Value::BigInt(None)]
}

fn edit(set: &[(usize, Set)], table: &TableDef) -> Edit {
    Edit {
        set: set.iter().cloned().collect(),
        bumps: u32::from(table.version.is_some()),
        ..Edit::default()
    }
}

/// What a caller asks for, before it is a change.
#[derive(Debug, Clone)]
enum Op {
    Insert(i64, i64),
    Patch(usize, i64),
    Add(usize, i64),
    Update(i64, i64),
    Delete(i64),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        (0..9_i64, 0..9_i64).prop_map(|(a, b)| Op::Insert(a, b)),
        (1..3_usize, 0..9_i64).prop_map(|(column, value)| Op::Patch(column, value)),
        (1..3_usize, -5..9_i64).prop_map(|(column, delta)| Op::Add(column, delta)),
        (0..9_i64, 0..9_i64).prop_map(|(a, b)| Op::Update(a, b)),
        (1..9_i64).prop_map(Op::Delete),
    ]
}

/// The change of a caller who has just read `now`.
fn change(op: &Op, now: Option<&RowValues>, table: &TableDef) -> Change {
    match *op {
        Op::Insert(a, b) => Change::Insert(row(a, b, 1)),
        Op::Patch(column, value) => Change::Update(edit(&[(column, Set::To(int(value)))], table)),
        Op::Add(column, delta) => Change::Update(edit(&[(column, Set::Add(int(delta)))], table)),
        Op::Update(a, b) => {
            let version = now.and_then(|row| number(&row[3])).unwrap_or(7);
            let mut edit = edit(&[(1, Set::To(int(a))), (2, Set::To(int(b)))], table);
            let next = version + i64::from(edit.bumps);
            edit.expected = table.version.map(|_| version);
            edit.image = Some(row(a, b, next));
            Change::Update(edit)
        }
        Op::Delete(at) => Change::Delete(match table.deleted_at {
            None => Edit::default(),
            Some(column) => edit(&[(column, Set::To(int(at)))], table),
        }),
    }
}

/// What a database does with one change; `None` if it refuses.
fn written(
    change: &Change,
    before: Option<RowValues>,
    table: &TableDef,
) -> Option<Option<RowValues>> {
    match (change, before) {
        (Change::Insert(row), None) | (Change::Replace(row), _) => Some(Some(row.clone())),
        (Change::Insert(_), Some(_)) | (Change::Update(_), None) => None,
        (Change::Update(edit), Some(row)) if !is_marked(&row, table) => {
            edit.clone().onto(row, table).ok().map(Some)
        }
        (Change::Update(_), Some(_)) => None,
        (Change::Delete(edit), _) if edit.is_empty() => Some(None),
        (Change::Delete(edit), Some(row)) if !is_marked(&row, table) => {
            edit.clone().onto(row, table).ok().map(Some)
        }
        // Twice marked is marked. To mark what is not there is of no consequence, but nothing says so before the flush.
        (Change::Delete(_), Some(row)) => Some(Some(row)),
        (Change::Delete(_), None) => None,
    }
}

#[test]
fn a_sum_that_does_not_fit_is_given_back_and_leaves_everything_as_it_was() {
    let of = |set: &[(usize, Set)]| Change::Update(edit(set, &PLAIN));
    let mut queued = of(&[(1, Set::Add(int(1))), (2, Set::To(int(i64::MAX)))]);
    let before = queued.clone();
    let next = of(&[(1, Set::Add(int(1))), (2, Set::Add(int(1)))]);
    assert_eq!(queued.absorb(next.clone()), Err(next.clone()));
    assert_eq!(queued, before);
    assert_eq!(queued.then(next, &PLAIN), Err(Refusal::Overflow(2)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever could be written one after the other can be queued, and comes to the same row.
    #[test]
    fn one_change_does_what_many_would_have_done(
        ops in prop::collection::vec(op(), 1..8),
        there in any::<bool>(),
        kind in 0..3_usize,
    ) {
        let table: &TableDef = [&PLAIN, &VERSIONED, &MARKED][kind];
        let first = there.then(|| row(3, 4, 5));
        let mut now = first.clone();
        let mut queued: Option<Change> = None;
        for op in &ops {
            let change = change(op, now.as_ref(), table);
            let Some(after) = written(&change, now.clone(), table) else { continue };
            now = after;
            queued = match queued {
                None => Some(change),
                Some(queued) => {
                    let mut in_place = queued.clone();
                    let absorbed = in_place.absorb(change.clone());
                    let before = queued.clone();
                    let merged = queued.then(change.clone(), table).unwrap_or_else(|why| panic!("{op:?}: {why:?}"));
                    match absorbed {
                        Ok(()) => prop_assert_eq!(Some(&in_place), merged.as_ref()),
                        Err(back) => prop_assert_eq!((in_place, back), (before, change)),
                    }
                    merged
                }
            };
        }
        let once = match &queued {
            None => Some(first.clone()),
            Some(change) => written(change, first.clone(), table),
        };
        prop_assert_eq!(once, Some(now.clone()));
        if let Some(change) = &queued {
            prop_assert_eq!(change.apply(first, table), Ok(now.clone()));
            if change.is_whole() {
                prop_assert_eq!(change.apply(None, table), Ok(now));
            }
        }
    }
}

#[test]
fn what_cannot_follow_is_refused_at_once() {
    let table = &*VERSIONED;
    let patch = || Change::Update(edit(&[(1, Set::To(int(1)))], table));
    let delete = || Change::Delete(Edit::default());
    let insert = || Change::Insert(row(1, 1, 1));
    assert_eq!(insert().then(insert(), table), Err(Refusal::Exists));
    assert_eq!(patch().then(insert(), table), Err(Refusal::Exists));
    assert_eq!(delete().then(patch(), table), Err(Refusal::Missing));
    let old = |version| {
        let mut edit = edit(&[(1, Set::To(int(2)))], table);
        edit.expected = Some(version);
        Change::Update(edit)
    };
    assert_eq!(insert().then(old(2), table), Err(Refusal::Stale));
    assert_eq!(old(4).then(old(4), table), Err(Refusal::Stale));
    assert!(old(4).then(old(5), table).is_ok());
    let much = || Change::Update(edit(&[(1, Set::Add(int(i64::MAX)))], table));
    assert_eq!(much().then(much(), table), Err(Refusal::Overflow(1)));
}

#[test]
fn an_insert_and_its_delete_are_nothing_unless_rows_are_marked() {
    let insert = || Change::Insert(row(1, 1, 1));
    assert_eq!(
        insert().then(Change::Delete(Edit::default()), &PLAIN),
        Ok(None)
    );
    let mark = Change::Delete(edit(&[(4, Set::To(int(9)))], &MARKED));
    let marked = insert().then(mark, &MARKED).unwrap().unwrap();
    assert!(matches!(&marked, Change::Insert(row) if is_marked(row, &MARKED)));
}
