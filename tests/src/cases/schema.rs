//! Tables made from entities, and entities compared with tables.

use entourage::Database;
mod library;

use entourage::database::{Drift, DriftKind, SchemaReport};
use entourage::dialect::Dialect;
use entourage::prelude::*;

use library::*;

async fn check(db: &Database) -> SchemaReport {
    db.check_schema::<Library>().await.unwrap()
}

/// Runs each statement of the report's, and answers what is still there to report.
async fn mended(db: &Database, report: &SchemaReport) -> SchemaReport {
    for text in report.ddl() {
        db.execute_script(text)
            .await
            .unwrap_or_else(|error| panic!("{error}: {text}"));
    }
    check(db).await
}

fn lines(report: &SchemaReport) -> Vec<String> {
    report.drifts().iter().map(ToString::to_string).collect()
}

fn missing_tables(report: &SchemaReport) -> usize {
    let is_missing = |drift: &&Drift| *drift.kind() == DriftKind::MissingTable;
    report.drifts().iter().filter(is_missing).count()
}

fn quoted(db: &Database, sql: &str) -> String {
    sql.replace('"', &db.dialect().quote("")[..1])
}

pub async fn a_created_schema_is_what_the_entities_expect(db: &Database) {
    db.create_schema::<Library>().await.unwrap();
    let recording = db.recorded();
    let report = check(db).await;
    assert_eq!(recording.statements().len(), 3);
    assert!(report.is_clean(), "{report}");
    report.into_result().unwrap();
}

pub async fn creating_a_schema_twice_changes_nothing(db: &Database) {
    db.create_schema::<Library>().await.unwrap();
    let branches = BranchRepository::new(db);
    branches
        .insert(NewBranch::new("north".into()))
        .await
        .unwrap();
    db.create_schema::<Library>().await.unwrap();
    assert_eq!(branches.query().count().await.unwrap(), 1);
    let report = check(db).await;
    assert!(report.is_clean(), "{report}");
}

pub async fn a_created_schema_keeps_its_rules(db: &Database) {
    db.create_schema::<Library>().await.unwrap();
    let (branches, members) = (BranchRepository::new(db), MemberRepository::new(db));
    let (volumes, loans) = (VolumeRepository::new(db), LoanRepository::new(db));
    branches
        .insert(NewBranch::new("north".into()))
        .await
        .unwrap();
    let ann = members
        .insert(NewMember::new("north".into(), 1, "Ann".into()))
        .await
        .unwrap();
    assert_eq!(
        (ann.active, ann.remarks.as_str(), ann.version),
        (true, "none", 1)
    );
    let twin = members
        .insert(NewMember::new("north".into(), 1, "Ben".into()))
        .await;
    assert!(twin.unwrap_err().is_unique_violation());
    let lost = members
        .insert(NewMember::new("south".into(), 1, "Cy".into()))
        .await;
    assert!(lost.unwrap_err().is_foreign_key_violation());

    let new = NewVolume::new(
        "north".into(),
        1,
        "b-1".into(),
        "Emma".into(),
        0.5,
        Json(vec!["novel".into()]),
    );
    let volume = volumes.insert(new).await.unwrap();
    assert_eq!(volume.state, State::Shelved);
    let unknown = quoted(db, r#"UPDATE "volumes" SET "state" = 'burnt'"#);
    assert!(
        db.execute_script(&unknown)
            .await
            .unwrap_err()
            .is_check_violation()
    );
    let known = quoted(db, r#"UPDATE "volumes" SET "state" = 'on loan''s way'"#);
    db.execute_script(&known).await.unwrap();
    let due = chrono::NaiveDate::from_ymd_opt(2025, 1, 31).unwrap();
    let loan = loans
        .insert(NewLoan::new("north".into(), 1, ann.id, due))
        .await
        .unwrap();
    assert!(
        members
            .delete(ann.id)
            .await
            .unwrap_err()
            .is_foreign_key_violation()
    );
    volumes.delete(("north".to_owned(), 1)).await.unwrap();
    assert_eq!(loans.find(loan.id).await.unwrap(), None);
}

pub async fn a_schema_with_a_cycle_is_dropped_with_its_rows(db: &Database) {
    db.create_schema::<Library>().await.unwrap();
    let (branches, members) = (BranchRepository::new(db), MemberRepository::new(db));
    branches
        .insert(NewBranch::new("north".into()))
        .await
        .unwrap();
    let ann = members
        .insert(NewMember::new("north".into(), 1, "Ann".into()))
        .await
        .unwrap();
    let headed = BranchPatch {
        head_id: Some(Some(ann.id)),
    };
    branches.patch("north".to_owned(), headed).await.unwrap();
    db.drop_schema::<Library>().await.unwrap();
    let report = check(db).await;
    assert_eq!(missing_tables(&report), 4, "{report}");
    db.drop_schema::<Library>().await.unwrap();
}

pub async fn missing_tables_are_mended_by_their_reports(db: &Database) {
    let report = check(db).await;
    assert!(
        lines(&report).contains(&"table `loans` of `Loan` is missing".to_owned()),
        "{report}"
    );
    let after = mended(db, &report).await;
    assert!(after.is_clean(), "{after}");
}

pub async fn a_missing_column_is_reported_and_mended(db: &Database) {
    db.create_schema::<Library>().await.unwrap();
    for column in ["cover", "weight"] {
        let drop = format!(r#"ALTER TABLE "volumes" DROP COLUMN "{column}""#);
        db.execute_script(&quoted(db, &drop)).await.unwrap();
    }
    let report = check(db).await;
    assert_eq!(
        lines(&report),
        [
            "column `volumes.weight` is missing",
            "column `volumes.cover` is missing"
        ]
    );
    let error = report.clone().into_result().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SchemaDrift);
    let after = mended(db, &report).await;
    assert!(after.is_clean(), "{after}");
}

pub async fn a_missing_index_is_reported_and_mended(db: &Database) {
    db.create_schema::<Library>().await.unwrap();
    let drop = match db.dialect() {
        Dialect::Mysql => "DROP INDEX members_name_joined_at_idx ON members",
        Dialect::Sqlite | Dialect::Postgres => "DROP INDEX members_name_joined_at_idx",
    };
    db.execute_script(drop).await.unwrap();
    let report = check(db).await;
    assert_eq!(
        lines(&report),
        ["index on `members (name, joined_at)` is missing"]
    );
    let after = mended(db, &report).await;
    assert!(after.is_clean(), "{after}");
}

/// What is otherwise, table by table: the types are spelled so that each database knows them.
const OTHERWISE: &str = r#"
CREATE TABLE branches (code VARCHAR(8) NOT NULL PRIMARY KEY, head_id BIGINT NOT NULL, motto VARCHAR(9) NOT NULL);
CREATE TABLE members (
    id BIGINT NOT NULL PRIMARY KEY, branch_code VARCHAR(8), card INT NOT NULL, name INT NOT NULL,
    guardian_id BIGINT, remarks VARCHAR(9) NOT NULL, active BOOLEAN NOT NULL DEFAULT TRUE,
    joined_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, version INT NOT NULL,
    FOREIGN KEY (branch_code) REFERENCES branches (code), FOREIGN KEY (guardian_id) REFERENCES members (id)
);
"#;

pub async fn every_kind_of_difference_is_reported(db: &Database) {
    db.execute_script(OTHERWISE).await.unwrap();
    let report = db.check_schema::<(Branch, Member)>().await.unwrap();
    let lines = lines(&report);
    for expected in [
        "column `branches.head_id` must not be NULL, but its field in `Branch` is an `Option`",
        "column `branches.motto` must have a value, but `Branch` has no field for it",
        "foreign key from `branches (head_id)` to `members` is missing",
        "column `members.branch_code` may be NULL, but its field in `Member` is no `Option`",
        "column `members.remarks` has no default, but `Member` leaves its value to the database",
        "unique constraint on `members (branch_code, card)` is missing",
        "index on `members (name, joined_at)` is missing",
        "foreign key of `members (guardian_id)` is ON DELETE NO ACTION, but `Member` says SET NULL",
    ] {
        let expected = match db.dialect() {
            Dialect::Mysql if db.capabilities().mariadb => {
                expected.replace("NO ACTION", "RESTRICT")
            }
            _ => expected.to_owned(),
        };
        assert!(lines.contains(&expected), "{expected} is not in:\n{report}");
    }
    assert!(
        report
            .to_string()
            .contains("column `members.name` is of type"),
        "{report}"
    );
}

pub async fn what_cannot_be_altered_says_why(db: &Database) {
    db.execute_script(OTHERWISE).await.unwrap();
    let report = db.check_schema::<(Branch, Member)>().await.unwrap();
    for drift in report.drifts() {
        assert_eq!(drift.ddl().is_none(), drift.reason().is_some());
        let is_index = matches!(drift.kind(), DriftKind::MissingIndex { .. });
        let alters = db.dialect() != Dialect::Sqlite;
        assert_eq!(drift.ddl().is_some(), is_index || alters, "{drift}");
    }
}

pub async fn differences_are_mended_by_their_reports(db: &Database) {
    db.execute_script(OTHERWISE).await.unwrap();
    let report = db.check_schema::<(Branch, Member)>().await.unwrap();
    for text in report.ddl() {
        db.execute_script(text)
            .await
            .unwrap_or_else(|error| panic!("{error}: {text}"));
    }
    let after = db.check_schema::<(Branch, Member)>().await.unwrap();
    assert!(after.is_clean(), "{after}");
}

#[derive(Debug, Clone, Entity)]
#[entity(table = "visits", schema = "statistics")]
#[entity(belongs_to(member: Member, foreign_key = member_id))]
struct Visit {
    #[entity(primary_key, generated)]
    id: i64,
    #[entity(index)]
    member_id: i64,
    pages: Vec<i32>,
}

pub async fn a_schema_of_another_name_is_created_and_checked(db: &Database) {
    db.create_schema::<(Library, Visit)>().await.unwrap();
    let report = db.check_schema::<(Library, Visit)>().await.unwrap();
    assert!(report.is_clean(), "{report}");
    db.execute_script("ALTER TABLE statistics.visits DROP COLUMN pages")
        .await
        .unwrap();
    let report = db.check_schema::<Visit>().await.unwrap();
    assert_eq!(
        lines(&report),
        ["column `statistics.visits.pages` is missing"]
    );
    db.drop_schema::<(Library, Visit)>().await.unwrap();
}

pub async fn tables_are_looked_up_along_the_search_path(db: &Database) {
    // One after the other, statements run on one connection.
    db.execute_script("CREATE SCHEMA elsewhere; SET search_path TO elsewhere")
        .await
        .unwrap();
    db.create_schema::<Library>().await.unwrap();
    let report = check(db).await;
    assert!(report.is_clean(), "{report}");
    db.execute_script("SET search_path TO public")
        .await
        .unwrap();
    let report = check(db).await;
    assert_eq!(missing_tables(&report), 4, "{report}");
}

/// Fewer columns of a member.
#[derive(Debug, Clone, Entity)]
#[entity(table = "members", module = "member_name")]
struct MemberName {
    #[entity(primary_key)]
    id: i64,
    name: Option<String>,
}

pub async fn every_entity_of_a_table_is_compared(db: &Database) {
    db.create_schema::<(Library, MemberName)>().await.unwrap();
    let report = db.check_schema::<(Library, MemberName)>().await.unwrap();
    assert_eq!(
        lines(&report),
        ["column `members.name` must not be NULL, but its field in `MemberName` is an `Option`"]
    );
}

pub async fn a_view_is_compared_by_its_columns(db: &Database) {
    db.create_schema::<Library>().await.unwrap();
    let create = "CREATE VIEW adults AS SELECT id, name FROM members WHERE guardian_id IS NULL";
    db.execute_script(create).await.unwrap();
    let report = db.check_schema::<Adult>().await.unwrap();
    assert_eq!(lines(&report), ["column `adults.card` is missing"]);
}

#[derive(Debug, Clone, Entity)]
#[entity(table = "adults")]
struct Adult {
    #[entity(primary_key, generated)]
    id: i64,
    #[entity(index)]
    name: String,
    card: i32,
}
