//! Employees and their managers: an entity related to itself.

use entourage::prelude::*;

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "employees")]
#[entity(belongs_to(manager: Employee))]
#[entity(has_many(reports: Employee, foreign_key = manager_id))]
pub struct Employee {
    #[entity(primary_key)]
    pub id: i64,
    pub name: String,
    pub manager_id: Option<i64>,
}

/// An employee.
pub fn employee(id: i64, name: &str, manager_id: Option<i64>) -> NewEmployee {
    NewEmployee {
        manager_id,
        ..NewEmployee::new(id, name.to_owned())
    }
}
