//! Answers of servers, as trees. Those of PostgreSQL 15 and MariaDB 10.11 are as they came; those of MySQL are written by its
//! manual, and of no run.
use serde_json::Value;

use super::super::{
    Measured, NodeKind, PlanNode, mysql, mysql_tree, postgres,
    sqlite::{self, Step},
};

/// One line for each node.
fn tree(roots: &[PlanNode]) -> String {
    fn line(node: &PlanNode, depth: usize, text: &mut String) {
        *text += &format!("{:1$}{node}\n", "", depth * 2);
        node.children
            .iter()
            .for_each(|child| line(child, depth + 1, text));
    }
    let mut text = String::new();
    roots.iter().for_each(|root| line(root, 0, &mut text));
    text
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn answers_of_postgres() {
    let measured = postgres::parse(include_str!("answers/postgres_analyze.json"));
    assert!(measured.planning.is_some() && measured.execution.is_some());
    let planned = postgres::parse(include_str!("answers/postgres_plan.json"));
    assert!(planned.planning.is_none() && planned.execution.is_none());
    insta::assert_snapshot!(format!(
        "{}\n{}",
        tree(&measured.roots),
        tree(&planned.roots)
    ));
}

#[test]
fn answers_of_mariadb() {
    let measured = mysql::parse(&json(include_str!("answers/mariadb_analyze.json")));
    assert!(measured.planning.is_some() && measured.execution.is_some());
    let planned = mysql::parse(&json(include_str!("answers/mariadb_plan.json")));
    assert!(planned.planning.is_none() && planned.execution.is_none());
    insta::assert_snapshot!(format!(
        "{}\n{}",
        tree(&measured.roots),
        tree(&planned.roots)
    ));
}

#[test]
fn answers_of_mysql() {
    let first = mysql::parse(&json(include_str!("answers/mysql_1.json")));
    let second = mysql::parse(&json(include_str!("answers/mysql_2.json")));
    let measured = mysql_tree::parse(include_str!("answers/mysql_analyze.txt"));
    insta::assert_snapshot!(format!(
        "{}\n{}\n{}",
        tree(&first.roots),
        tree(&second.roots),
        tree(&measured.roots)
    ));
    let never = measured.roots[0].nodes().last().unwrap();
    assert_eq!(never.measured, Some(Measured::default()));
}

/// `id parent detail` in each line.
fn steps(text: &str) -> Vec<Step> {
    let step = |line: &str| {
        let mut words = line.trim().splitn(3, ' ');
        let mut number = || words.next().unwrap().parse().unwrap();
        Step {
            id: number(),
            parent: number(),
            detail: words.next().unwrap().to_owned(),
        }
    };
    text.trim().lines().map(step).collect()
}

#[test]
fn answers_of_sqlite() {
    let roots = sqlite::parse(steps(
        "3 0 MATERIALIZE c
         9 3 SCAN users
         12 3 USE TEMP B-TREE FOR GROUP BY
         60 0 SCAN posts
         64 0 SCALAR SUBQUERY 2
         69 64 SEARCH posts
         90 0 SEARCH c USING AUTOMATIC COVERING INDEX (name=?)
         91 0 SEARCH u USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN
         103 0 SEARCH e EXISTS USING AUTOMATIC COVERING INDEX (forest_id=?)
         104 0 SCAN x EXISTS
         92 0 SEARCH p USING COVERING INDEX posts_author (author_id=? AND likes>?)
         93 0 SCAN p USING INDEX posts_author
         94 0 SCAN 2 CONSTANT ROWS
         95 0 SCAN j VIRTUAL TABLE INDEX 1:
         96 0 SCAN (subquery-2)
         97 0 SEARCH b USING AUTOMATIC COVERING INDEX (title=?)
         98 0 COMPOUND QUERY
         99 98 LEFT-MOST SUBQUERY
         100 99 SEARCH wr USING PRIMARY KEY (a=?)
         101 0 USE TEMP B-TREE FOR LAST TERM OF ORDER BY
         102 0 SOMETHING NEW",
    ));
    insta::assert_snapshot!(tree(&roots));
}

#[test]
fn what_is_not_known_is_shown() {
    let unknown = r#"[{"Plan": {"Node Type": "Quantum Scan", "Relation Name": "posts"}}]"#;
    let roots = postgres::parse(unknown).roots;
    assert_eq!(roots[0].kind, NodeKind::Other);
    assert_eq!(tree(&roots), "Other of posts [Quantum Scan]\n");
    assert_eq!(tree(&postgres::parse("no plan").roots), "Other [no plan]\n");
    assert!(postgres::parse("").roots.is_empty());
    assert_eq!(tree(&mysql::parse(&json("[7]")).roots), "Other [[7]]\n");
    let new = json(
        r#"{"query_block": {"new_operation": {"table": {"table_name": "t", "access_type": "new"}}}}"#,
    );
    assert_eq!(
        tree(&mysql::parse(&new).roots),
        "Other [new_operation]\n  Other of t [new]\n"
    );
}
