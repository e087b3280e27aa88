//! An entity related to itself.

use entourage::{Database, prelude::*};

use super::counted::{STRATEGIES, counted};
use crate::models::{create, tree::*};

async fn fill(db: &Database) -> EmployeeRepository<'_> {
    create(db, &[Employee::table()]).await;
    let employees = EmployeeRepository::new(db);
    let all = [
        employee(1, "Ada", None),
        employee(2, "Bea", Some(1)),
        employee(3, "Cleo", Some(1)),
        employee(4, "Dora", Some(2)),
        employee(5, "Eve", Some(4)),
    ];
    employees.insert_many(all).await.unwrap();
    employees
}

fn drawn(trees: &[Tree<Employee>]) -> String {
    let drawn = trees
        .iter()
        .map(|tree| format!("{}({})", tree.name, drawn(&tree.children)));
    drawn.collect::<Vec<_>>().join(" ")
}

pub async fn a_tree_is_loaded_to_its_depth(db: &Database) {
    let employees = fill(db).await;
    for strategy in STRATEGIES {
        let load = |depth| {
            employees
                .filter(Employee::MANAGER_ID.is_null())
                .strategy(strategy)
                .with(
                    Employee::REPORTS
                        .recursive(depth)
                        .order_by(Employee::NAME.desc()),
                )
                .one()
        };
        let deep = load(3).await.unwrap();
        assert_eq!(
            drawn(deep.get(Employee::REPORTS)),
            "Cleo() Bea(Dora(Eve()))",
            "{strategy:?}"
        );
        let flat = load(1).await.unwrap();
        assert_eq!(
            drawn(flat.get(Employee::REPORTS)),
            "Cleo() Bea()",
            "{strategy:?}"
        );
        assert!(load(0).await.unwrap().get(Employee::REPORTS).is_empty());
        let deeper = load(9).await.unwrap();
        assert_eq!(
            drawn(deeper.get(Employee::REPORTS)),
            "Cleo() Bea(Dora(Eve()))",
            "{strategy:?}"
        );
    }
    let all = employees
        .query()
        .strategy(Strategy::Batched)
        .with(Employee::REPORTS.recursive(2))
        .all();
    assert_eq!(counted(db, 3, all).await.len(), 5);
}

pub async fn a_chain_of_managers_is_loaded(db: &Database) {
    let employees = fill(db).await;
    for strategy in STRATEGIES {
        let eve = employees
            .filter(Employee::NAME.eq("Eve"))
            .strategy(strategy)
            .with(Employee::MANAGER.recursive(5))
            .one()
            .await
            .unwrap();
        assert_eq!(
            drawn(eve.get(Employee::MANAGER)),
            "Dora(Bea(Ada()))",
            "{strategy:?}"
        );
    }
}

pub async fn related_rows_of_one_table_are_told_apart(db: &Database) {
    let employees = fill(db).await;
    for strategy in STRATEGIES {
        let loaded = employees
            .order_by(Employee::ID.asc())
            .strategy(strategy)
            .with(Employee::MANAGER.with(Employee::MANAGER))
            .with(Employee::REPORTS.with(Employee::REPORTS.with(Employee::MANAGER)))
            .all()
            .await
            .unwrap();
        let dora = &loaded[3];
        let manager = dora.get(Employee::MANAGER).as_ref().unwrap();
        assert_eq!(manager.name, "Bea", "{strategy:?}");
        assert_eq!(
            manager.get(Employee::MANAGER).as_ref().unwrap().name,
            "Ada",
            "{strategy:?}"
        );
        let ada: Vec<_> = loaded[0]
            .get(Employee::REPORTS)
            .iter()
            .map(|report| (report.name.as_str(), report.get(Employee::REPORTS).len()))
            .collect();
        assert_eq!(ada, [("Bea", 1), ("Cleo", 0)], "{strategy:?}");
    }
    let reports = employees
        .filter(Employee::MANAGER.through(Employee::NAME).eq("Ada"))
        .count();
    assert_eq!(reports.await.unwrap(), 2);
    let of_bea = Employee::MANAGER.any(Employee::REPORTS.any(Employee::NAME.eq("Dora")));
    assert_eq!(employees.filter(of_bea).count().await.unwrap(), 1);
}
