//! The lint of tables that are made up: what it says of some, and what it promises of any.
mod promises;

use super::{
    ddl::Form,
    finding::{Evidence, Finding, FindingKind},
    judge,
    serve::{Sought, Wanted},
    table::{Column, Fitness, Index, Table, Want},
};
use crate::{
    database::live::{LiveIndex, LivePart, Usage},
    dialect::Dialect,
    prelude::*,
};

/// Its columns are `id`, `a`, `b`, `c`, `flag`.
#[derive(Debug, Clone, Entity)]
#[entity(table = "things")]
struct Thing {
    #[entity(primary_key)]
    id: i64,
    a: i64,
    b: i64,
    c: i64,
    flag: bool,
}

const FORM: Form = Form {
    dialect: Dialect::Postgres,
    concurrently: false,
};

const NAMES: [&str; 5] = ["id", "a", "b", "c", "flag"];
const FLAG: usize = 4;

/// A table with a primary key and `indexes`.
fn table(indexes: &[Index], wants: Vec<Want>) -> Table {
    let column = |(at, name): (usize, &&str)| Column {
        name: (*name).to_owned(),
        fitness: if at == FLAG {
            Fitness::Flag
        } else {
            Fitness::Good
        },
    };
    let mut key = index("things_pkey", &[0]);
    (key.live.unique, key.live.primary, key.live.constraint) = (true, true, true);
    let mut all = vec![key];
    all.extend_from_slice(indexes);
    Table {
        def: Thing::table(),
        columns: NAMES.iter().enumerate().map(column).collect(),
        indexes: all,
        invalid: Vec::new(),
        declared: Vec::new(),
        wants,
    }
}

fn index(name: &str, columns: &[usize]) -> Index {
    let part = |&column: &usize| LivePart {
        column: Some(NAMES[column].to_owned()),
        whole: true,
        usual: true,
        descending: false,
        flavour: String::new(),
    };
    let live = LiveIndex {
        name: name.to_owned(),
        unique: false,
        primary: false,
        constraint: false,
        partial: false,
        ordered: true,
        valid: true,
        parts: columns.iter().map(part).collect(),
        included: Vec::new(),
    };
    Index {
        live,
        columns: columns.to_vec(),
        reads: None,
    }
}

fn key(columns: &[usize]) -> Want {
    Want {
        wanted: Wanted::Key {
            columns: columns.to_vec(),
            target: "others".into(),
        },
        evidence: Evidence::default(),
    }
}

fn seek(equal: &[usize], range: &[usize], order: &[(usize, bool)]) -> Want {
    let sought = Sought {
        equal: equal.to_vec(),
        range: range.to_vec(),
        order: order.to_vec(),
        ..Sought::default()
    };
    Want {
        wanted: Wanted::Seek(sought),
        evidence: Evidence {
            statements: 1,
            ..Evidence::default()
        },
    }
}

fn findings(table: Table, usage: Option<&Usage>) -> Vec<Finding> {
    judge::judge(table, usage, 10, FORM).findings
}

fn ddl(indexes: &[Index], wants: Vec<Want>) -> Vec<String> {
    let findings = findings(table(indexes, wants), None);
    findings.into_iter().map(|finding| finding.ddl).collect()
}

fn create(columns: &str) -> String {
    let name = columns.replace(" DESC", "").replace(", ", "_");
    let quoted: Vec<_> = columns
        .split(", ")
        .map(|column| match column.split_once(' ') {
            Some((column, way)) => format!("\"{column}\" {way}"),
            None => format!("\"{column}\""),
        })
        .collect();
    let quoted = quoted.join(", ");
    format!("CREATE INDEX \"things_{name}_idx\" ON \"things\" ({quoted})")
}

#[test]
fn a_key_is_served_by_its_columns_in_any_order_before_all_others() {
    let want = || vec![key(&[1, 2])];
    for columns in [&[1, 2][..], &[2, 1], &[2, 1, 3]] {
        assert_eq!(ddl(&[index("x", columns)], want()), [""; 0], "{columns:?}");
    }
    for columns in [&[1][..], &[1, 3, 2], &[3, 1, 2]] {
        let made = ddl(&[index("x", columns)], want());
        assert_eq!(made[0], create("a, b"), "{columns:?}");
    }
    let mut partial = index("x", &[1, 2]);
    partial.live.partial = true;
    // It stays, for whoever made it.
    assert_eq!(ddl(&[partial], want()), [create("a, b")]);
}

#[test]
fn an_expression_ends_what_an_index_serves() {
    let mut lower = index("x", &[1, 2]);
    lower.columns.truncate(1);
    lower.live.parts[1].column = None;
    assert_eq!(ddl(std::slice::from_ref(&lower), vec![key(&[1])]), [""; 0]);
    assert_eq!(ddl(&[lower], vec![key(&[1, 2])]), [create("a, b")]);
}

#[test]
fn columns_that_are_equal_come_before_bounds_and_orders() {
    for (want, columns) in [
        (seek(&[2], &[1], &[]), "b, a"),
        (seek(&[2], &[], &[(1, true)]), "b, a DESC"),
        (seek(&[2], &[1], &[(1, true), (3, false)]), "b, a DESC, c"),
        (seek(&[2], &[1], &[(3, false)]), "b, a"),
        (seek(&[], &[1, 2], &[]), "a"),
        (seek(&[], &[], &[(1, true), (2, true)]), "a DESC, b DESC"),
        (seek(&[FLAG, 1], &[], &[]), "a, flag"),
    ] {
        assert_eq!(ddl(&[], vec![want]), [create(columns)]);
    }
}

#[test]
fn one_index_serves_several() {
    // `b` is looked for most.
    let wants = vec![
        seek(&[2], &[], &[]),
        seek(&[1, 2], &[], &[]),
        seek(&[2], &[3], &[]),
        key(&[2]),
    ];
    let found = findings(table(&[], wants), None);
    let [finding] = &found[..] else {
        panic!("{found:?}");
    };
    assert_eq!(finding.ddl, create("b, a"));
    assert_eq!(finding.evidence.statements, 3);
    assert!(matches!(
        &finding.kind,
        FindingKind::UnindexedForeignKey { columns, .. } if columns == &["b"]
    ));
}

#[test]
fn what_is_declared_and_missing_is_not_mentioned() {
    let mut table = table(&[], vec![key(&[1])]);
    table.declared = vec![vec![1]];
    assert!(findings(table, None).is_empty());
}

#[test]
fn a_flag_alone_asks_for_no_index() {
    let table = table(&[], Vec::new());
    let by = |equal: &[usize], range: &[usize]| Sought {
        equal: equal.to_vec(),
        range: range.to_vec(),
        ..Sought::default()
    };
    assert_eq!(by(&[FLAG], &[]).fit(&table.columns), None);
    assert!(by(&[FLAG], &[1]).fit(&table.columns).is_some());
}

#[test]
fn an_index_in_the_wrong_order_is_turned() {
    let wrong = || [index("x", &[1, 2])];
    let found = findings(table(&wrong(), vec![seek(&[2], &[1], &[])]), None);
    let turned = |replaceable| FindingKind::ColumnOrder {
        index: "x".into(),
        replaceable,
    };
    assert_eq!(
        (&found[0].kind, &found[0].ddl),
        (&turned(true), &create("b, a"))
    );
    // A key needs it as it is.
    let found = findings(
        table(&wrong(), vec![seek(&[2], &[1], &[]), key(&[1])]),
        None,
    );
    assert_eq!(found[0].kind, turned(false));
    let served = [index("x", &[1, 2]), index("y", &[2, 1])];
    assert_eq!(ddl(&served, vec![seek(&[2], &[1], &[])]), [""; 0]);
    // It has what is looked for, and more in between.
    let more = [index("x", &[1, 3, 2])];
    assert_eq!(ddl(&more, vec![seek(&[2], &[1], &[])]), [""; 0]);
}

#[test]
fn columns_that_are_null_are_in_nobodys_way() {
    let mut want = seek(&[1], &[], &[(3, false)]);
    if let Wanted::Seek(sought) = &mut want.wanted {
        sought.null = vec![2];
    }
    for columns in [[2, 1, 3], [1, 2, 3]] {
        assert_eq!(ddl(&[index("x", &columns)], vec![want.clone()]), [""; 0]);
    }
}

#[test]
fn of_two_alike_the_one_without_a_promise_goes() {
    let drop = |name: &str| format!("DROP INDEX \"{name}\"");
    let unique = |name: &str| {
        let mut index = index(name, &[1]);
        index.live.unique = true;
        index
    };
    let constraint = |name: &str| {
        let mut index = unique(name);
        index.live.constraint = true;
        index
    };
    let own = "things_a_idx";
    for (pair, gone) in [
        ([index(own, &[1]), index("alike", &[1])], Some("alike")),
        ([index("z", &[1]), index("y", &[1])], Some("z")),
        ([unique("z"), index("y", &[1])], Some("y")),
        ([unique("z"), unique("y")], Some("z")),
        ([constraint("z"), unique("y")], Some("y")),
        ([constraint("z"), constraint("y")], None),
        ([index("z", &[1]), index("y", &[1, 2])], Some("z")),
        // What is longer promises less.
        ([unique("z"), index("y", &[1, 2])], None),
        ([index("z", &[1]), index("y", &[2, 1])], None),
    ] {
        let found = ddl(&pair, Vec::new());
        assert_eq!(found, Vec::from_iter(gone.map(drop)), "{pair:?}");
    }
}

#[test]
fn what_differs_in_anything_is_no_duplicate() {
    let plain = || index("y", &[1]);
    let mut others = [(); 5].map(|()| index("z", &[1]));
    others[0].live.partial = true;
    others[1].live.parts[0].flavour = "nocase".into();
    others[2].live.parts[0].descending = true;
    others[3].live.ordered = false;
    others[4].live.included = vec!["b".into()];
    for (at, other) in others.into_iter().enumerate() {
        let found = ddl(&[plain(), other], Vec::new());
        // One that only holds more is as good.
        let expected: &[&str] = if at == 4 { &["DROP INDEX \"y\""] } else { &[] };
        assert_eq!(found, expected, "{at}");
    }
}

#[test]
fn an_index_that_nobody_reads_goes_unless_something_needs_it() {
    let usage = |reads| Usage {
        reads,
        since: Some("2026-01-01 00:00:00 UTC".into()),
        ..Usage::default()
    };
    let of = |wants: Vec<Want>, reads| {
        let mut table = table(&[index("x", &[1])], wants);
        table.declared = vec![vec![1]];
        judge::judge(table, Some(&usage(reads)), 10, FORM)
    };
    let found = of(Vec::new(), 10).findings;
    assert_eq!(
        found[0].to_string(),
        "index `x` was never read, and `things` 10 times since 2026-01-01 00:00:00 UTC; `Thing` declares it"
    );
    assert_eq!(found[0].ddl, "DROP INDEX \"x\"");
    let few = of(Vec::new(), 9);
    assert!(few.findings.is_empty());
    assert_eq!(
        few.unjudged[0].to_string(),
        "whether indexes are used: `things` was read 9 times, and 10 are asked for"
    );
    assert!(of(vec![key(&[1])], 10).findings.is_empty());
    assert!(of(vec![seek(&[1], &[], &[])], 10).findings.is_empty());
    let mut read = usage(10);
    read.indexes.insert("x".into(), 1);
    let table = table(&[index("x", &[1])], Vec::new());
    assert!(findings(table, Some(&read)).is_empty());
}

#[test]
fn a_name_that_is_taken_gets_a_number() {
    let mut partial = index("things_a_idx", &[1]);
    partial.live.partial = true;
    let made = ddl(&[partial], vec![key(&[1])]);
    assert_eq!(made, [r#"CREATE INDEX "things_a_idx1" ON "things" ("a")"#]);
}
