//! The text of a schema in three dialects, and the rules that entities must keep.
pub(crate) mod theatre;
mod views;

use theatre::{Company, Person, Theatre};

use super::*;
use crate::{prelude::*, schema::EntitySet};

fn script(plans: &[Plan]) -> String {
    plans
        .iter()
        .map(|plan| format!("{};\n", plan.sql))
        .collect()
}

fn created(dialect: Dialect) -> String {
    let Creation { plans, deferred } = create(&Theatre::tables(), dialect).unwrap();
    let later: Vec<_> = deferred
        .iter()
        .map(|key| key.add(dialect).unwrap())
        .collect();
    script(&plans) + &script(&later)
}

#[test]
fn a_schema_on_sqlite() {
    insta::assert_snapshot!(created(Dialect::Sqlite));
}

#[test]
fn a_schema_on_postgres() {
    insta::assert_snapshot!(created(Dialect::Postgres));
}

#[test]
fn a_schema_on_mysql() {
    insta::assert_snapshot!(created(Dialect::Mysql));
}

#[test]
fn tables_are_dropped_from_those_that_point_at_others() {
    let dropped = |dialect| {
        let Removal { deferred, plans } = drop(&Theatre::tables(), dialect).unwrap();
        let before: Vec<_> = deferred
            .iter()
            .map(|key| key.remove(&key.foreign_key.name, dialect).unwrap())
            .collect();
        format!("-- {dialect:?}\n{}{}", script(&before), script(&plans))
    };
    insta::assert_snapshot!(
        [Dialect::Sqlite, Dialect::Postgres, Dialect::Mysql]
            .map(dropped)
            .join("\n")
    );
}

#[test]
fn a_table_comes_after_those_it_points_at_whatever_the_order_given() {
    let mut tables = Theatre::tables();
    for _ in 0..tables.len() {
        tables.rotate_left(1);
        let mut made: Vec<&str> = Vec::new();
        for step in by_dependency(Blueprint::all(&tables).unwrap()) {
            let table = step.blueprint.table;
            for (at, key) in step.blueprint.foreign_keys.iter().enumerate() {
                let is_there = made.contains(&key.target.name) || key.target.is(table);
                assert_eq!(is_there, !step.later.contains(&at), "{}", key.name);
            }
            made.push(table.name);
        }
        assert_eq!(made.len(), 6);
    }
}

#[test]
fn a_named_schema_is_created_on_postgres_and_named_everywhere() {
    #[derive(Debug, Clone, Entity)]
    #[entity(table = "visits", schema = "stats")]
    #[entity(belongs_to(before: Visit, foreign_key = before_id))]
    struct Visit {
        #[entity(primary_key)]
        id: i64,
        #[entity(index)]
        before_id: Option<i64>,
    }
    let created = |dialect| {
        let creation = create(&Visit::tables(), dialect).unwrap();
        format!("-- {dialect:?}\n{}", script(&creation.plans))
    };
    insta::assert_snapshot!(
        [Dialect::Sqlite, Dialect::Postgres, Dialect::Mysql]
            .map(created)
            .join("\n")
    );
}

#[test]
fn an_entity_given_twice_is_created_once() {
    let once = create(&Company::tables(), Dialect::Sqlite).unwrap();
    let twice = create(&<(Company, Company)>::tables(), Dialect::Sqlite).unwrap();
    assert_eq!(once.plans.len(), twice.plans.len());
}

/// Fewer columns of the same table.
#[derive(Debug, Clone, Entity)]
#[entity(table = "companies", module = "company_name")]
struct CompanyName {
    #[entity(primary_key)]
    code: String,
}

#[test]
fn of_two_entities_of_one_table_the_one_with_all_columns_comes_first() {
    assert_eq!(
        Blueprint::all(&<(Company, CompanyName)>::tables())
            .unwrap()
            .len(),
        1
    );
    let error = Blueprint::all(&<(CompanyName, Company)>::tables()).unwrap_err();
    insta::assert_snapshot!(
        error,
        @"`CompanyName` and `Company` are both rows of `companies`, but `CompanyName` has no column `founder_id`; name the entity with all the columns first"
    );
}

#[derive(Debug, Clone, Entity)]
#[entity(table = "notes")]
#[entity(belongs_to(company: Company, foreign_key = stages, references = stages))]
struct Note {
    #[entity(primary_key)]
    id: i64,
    stages: i16,
}

#[test]
fn a_foreign_key_points_at_a_key() {
    let error = create(&Note::tables(), Dialect::Postgres).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    insta::assert_snapshot!(
        error,
        @"`Note::COMPANY` points at `companies (stages)`, which is neither the primary key nor unique; mark `Company::stages` `#[entity(unique)]`"
    );
}

#[derive(Debug, Clone, Entity)]
#[entity(table = "remarks")]
#[entity(belongs_to(person: Person, foreign_key = subject_id, optional))]
#[entity(belongs_to(note: Note, foreign_key = subject_id, optional))]
struct Remark {
    #[entity(primary_key)]
    id: i64,
    subject_id: i64,
}

#[test]
fn a_key_to_either_of_two_tables_gets_no_constraint() {
    assert!(
        Blueprint::of(Remark::table())
            .unwrap()
            .foreign_keys
            .is_empty()
    );
}
