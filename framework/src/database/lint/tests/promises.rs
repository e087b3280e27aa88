//! What the lint promises of any table, shown on many.
use proptest::{collection::vec, prelude::*, sample::subsequence};

use super::{FORM, Fitness, Index, Sought, Table, Thing, Usage, Want, Wanted, index, key, table};
use crate::{
    database::lint::{finding::Evidence, judge, propose, surplus},
    schema::Entity as _,
};

fn columns(most: usize) -> impl Strategy<Value = Vec<usize>> {
    subsequence(vec![0, 1, 2, 3, 4], 1..=most).prop_shuffle()
}

fn any_index() -> impl Strategy<Value = Index> {
    let flags = prop::array::uniform6(prop::bool::weighted(0.15));
    (columns(3), flags, any::<bool>()).prop_map(|(columns, flags, read)| {
        let mut index = index("", &columns);
        let live = &mut index.live;
        let [unique, constraint, partial, other, descending, odd] = flags;
        (live.unique, live.partial, live.ordered) = (unique, partial, !other);
        live.constraint = unique && constraint;
        live.parts[0].descending = descending;
        if odd {
            live.parts[0].flavour = "odd".into();
            live.parts[0].usual = false;
        }
        index.reads = Some(u64::from(read));
        index
    })
}

fn sought() -> impl Strategy<Value = Sought> {
    let each = prop::array::uniform5((0..8_u8, any::<bool>()));
    let order = (
        subsequence(vec![0, 1, 2, 3, 4], 0..3).prop_shuffle(),
        any::<bool>(),
    );
    (each, order).prop_map(|(each, (order, descending))| {
        let mut sought = Sought::default();
        for (column, (kind, _)) in each.into_iter().enumerate() {
            match kind {
                0 => sought.equal.push(column),
                1 => sought.among.push(column),
                2 => sought.null.push(column),
                3 => sought.range.push(column),
                _ => {}
            }
        }
        let is_free = |column: &usize| !sought.is_equal(*column) && !sought.null.contains(column);
        if sought.among.is_empty() {
            let order = order.into_iter().filter(is_free);
            sought.order = order.map(|column| (column, descending)).collect();
        }
        sought
    })
}

fn any_table() -> impl Strategy<Value = Table> {
    let keys = vec(columns(2), 0..3);
    let declared = vec(columns(2), 0..2);
    (vec(any_index(), 0..5), vec(sought(), 0..5), keys, declared).prop_map(
        |(mut indexes, seeks, keys, declared)| {
            for (at, index) in indexes.iter_mut().enumerate() {
                index.live.name = format!("x{at}");
            }
            let mut table = table(&indexes, keys.iter().map(|columns| key(columns)).collect());
            table.declared = declared;
            let seeks = seeks
                .into_iter()
                .filter_map(|sought| sought.fit(&table.columns));
            let wants = seeks.map(|sought| Want {
                wanted: Wanted::Seek(sought),
                evidence: Evidence::default(),
            });
            let wants: Vec<_> = wants.collect();
            table.wants.extend(wants);
            table
        },
    )
}

/// The table after everything that is proposed was done.
fn mended(table: &Table) -> Table {
    let proposals = propose::proposals(table);
    let surplus = surplus::surplus(table, &proposals, Some(100));
    let mut indexes: Vec<_> = table
        .indexes
        .iter()
        .enumerate()
        .filter(|(at, _)| surplus.iter().all(|gone| gone.index != *at))
        .map(|(_, index)| index.clone())
        .collect();
    for (at, proposal) in proposals.iter().enumerate() {
        let mut made = proposal.as_index(table);
        made.live.name = format!("made{at}");
        // Nobody has read it yet.
        made.reads = Some(0);
        indexes.push(made);
    }
    Table {
        def: Thing::table(),
        columns: super::table(&[], Vec::new()).columns,
        indexes,
        invalid: Vec::new(),
        declared: table.declared.clone(),
        wants: table.wants.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// And what is wanted in vain has one, unless it is declared.
    #[test]
    fn a_proposed_index_serves_whatever_it_is_proposed_for(table in any_table()) {
        let proposals = propose::proposals(&table);
        for proposal in &proposals {
            prop_assert!(!proposal.wants.is_empty());
            let columns: Vec<_> = proposal.columns.iter().map(|(column, _)| *column).collect();
            for &want in &proposal.wants {
                prop_assert!(table.wants[want].wanted.is_served_over(&columns));
            }
        }
        let made: Vec<_> = proposals.iter().map(|one| one.as_index(&table)).collect();
        for (at, want) in table.wants.iter().enumerate() {
            let is_declared = table.declared.iter().any(|columns| want.wanted.is_served_over(columns));
            let is_new = !want.wanted.is_served(&table.indexes) && !is_declared;
            prop_assert!(is_declared || want.wanted.is_served(table.indexes.iter().chain(&made)));
            if is_new {
                prop_assert!(proposals.iter().any(|one| one.wants.contains(&at)));
            }
        }
    }

    #[test]
    fn nothing_is_worse_served_without_what_is_dropped(table in any_table()) {
        let after = mended(&table);
        for want in &table.wants {
            let wanted = &want.wanted;
            prop_assert!(!wanted.is_served(&table.indexes) || wanted.is_served(&after.indexes));
            prop_assert!(wanted.reach(&table.indexes) <= wanted.reach(&after.indexes));
        }
        for index in &table.indexes {
            let live = &index.live;
            let is_there = after.indexes.iter().any(|other| other.live == *live);
            let is_kept = live.primary || live.constraint || live.partial;
            prop_assert!(is_there || !is_kept, "{live:?}");
            let promises = |other: &Index| other.live.unique && other.live.parts == live.parts;
            let is_promised = !live.unique || after.indexes.iter().any(promises);
            prop_assert!(is_promised, "{live:?}");
        }
    }

    #[test]
    fn when_all_is_done_there_is_nothing_more_to_do(table in any_table()) {
        let after = mended(&table);
        let proposals = propose::proposals(&after);
        prop_assert!(proposals.is_empty(), "{proposals:?}\nof {after:?}");
        let surplus = surplus::surplus(&after, &proposals, Some(100));
        prop_assert!(surplus.is_empty(), "{surplus:?}\nof {after:?}");
    }

    /// Statements are told apart, and none is told twice.
    #[test]
    fn each_statement_is_told_once(table in any_table()) {
        let usage = Usage { reads: 100, ..Usage::default() };
        let findings = judge::judge(table, Some(&usage), 1, FORM).findings;
        let mut texts: Vec<_> = findings.iter().map(|finding| &finding.ddl).collect();
        let all = texts.len();
        texts.sort_unstable();
        texts.dedup();
        prop_assert_eq!(texts.len(), all);
    }
}

#[test]
fn the_tables_have_columns_of_both_kinds() {
    let fitness = table(&[], Vec::new())
        .columns
        .into_iter()
        .map(|column| column.fitness);
    let fitness: Vec<_> = fitness.collect();
    assert!(fitness.contains(&Fitness::Flag) && fitness.contains(&Fitness::Good));
}
