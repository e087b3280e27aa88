//! More rows than a statement takes arguments.

use std::pin::pin;

use entourage::{Database, prelude::*};
use futures_util::StreamExt;

use super::counted::counted;
use crate::models::{create, tree::*};

const EMPLOYEES: i64 = 70_000;

// A list of keys takes a statement for each 16,384 of them.

async fn fill(db: &Database) {
    create(db, &[Employee::table()]).await;
    let reports = (1..=EMPLOYEES).map(|id| employee(id, "somebody", (id > 1).then_some(id / 2)));
    let inserted = EmployeeRepository::new(db)
        .insert_many(reports)
        .await
        .unwrap();
    assert_eq!(inserted.len(), EMPLOYEES as usize);
}

pub async fn many_parents_take_few_statements(db: &Database) {
    fill(db).await;
    let employees = EmployeeRepository::new(db);
    let loaded = counted(db, 6, employees.with(Employee::REPORTS.batched()).all()).await;
    let reports: usize = loaded
        .iter()
        .map(|employee| employee.get(Employee::REPORTS).len())
        .sum();
    assert_eq!((loaded.len(), reports), (70_000, 69_999));
    let loaded = counted(db, 4, employees.with(Employee::MANAGER.batched()).all()).await;
    let managed = loaded
        .iter()
        .filter(|employee| employee.get(Employee::MANAGER).is_some());
    assert_eq!(managed.count(), 69_999);
    let found = counted(db, 5, employees.find_many(0..=EMPLOYEES)).await;
    assert_eq!(found.iter().flatten().count(), 70_000);
    assert_eq!(employees.delete_many([70_000, 69_999]).await.unwrap(), 2);
}

pub async fn a_stream_keeps_little(db: &Database) {
    fill(db).await;
    let mut stream = pin!(
        EmployeeRepository::new(db)
            .order_by(Employee::ID.desc())
            .stream()
    );
    let mut rows = 0;
    while let Some(row) = stream.next().await {
        assert_eq!(row.unwrap().id, EMPLOYEES - rows);
        rows += 1;
    }
    assert_eq!(rows, EMPLOYEES);
    let taken: Vec<_> = EmployeeRepository::new(db)
        .order_by(Employee::ID.asc())
        .stream()
        .take(3)
        .collect()
        .await;
    assert_eq!(taken.len(), 3);
    // The connection of a stream that was left is free again, or replaced.
    assert_eq!(
        EmployeeRepository::new(db).query().count().await.unwrap(),
        70_000
    );
}
