//! Which columns a violated unique constraint is about, where the database names the constraint alone.
use super::ddl;
use crate::{
    error::{Error, ErrorKind},
    schema::TableDef,
};

/// The error with the columns of the constraint that it names, if `table` declares it: MySQL and MariaDB name indexes.
///
/// An index is known by the name that `create_schema` gives it, or by the one that the server gives an index without a
/// name: that of its first column (MySQL 8.0 Reference Manual, 15.1.20.3 "CREATE TABLE and Index Names").
pub(crate) fn with_columns(error: Error, table: &TableDef) -> Error {
    let is_about = error.kind() == ErrorKind::UniqueViolation
        && error.columns().is_empty()
        && error.table().is_none_or(|name| name == table.name);
    match error.constraint().filter(|_| is_about) {
        Some(constraint) => match columns(table, constraint) {
            Some(columns) => {
                let name = |&column: &usize| table.columns[column].name.to_owned();
                let columns = columns.iter().map(name).collect();
                error.with_columns(columns)
            }
            None => error,
        },
        None => error,
    }
}

fn columns<'t>(table: &'t TableDef, constraint: &str) -> Option<&'t [usize]> {
    if constraint == "PRIMARY" {
        return Some(&table.primary_key);
    }
    let unique = || {
        let unique = table.indexes.iter().filter(|index| index.unique);
        unique.map(|index| index.columns.as_slice())
    };
    let ours = |columns: &&[usize]| ddl::unique_name(table, columns) == constraint;
    if let Some(columns) = unique().find(ours) {
        return Some(columns);
    }
    let first = |columns: &&[usize]| table.columns[columns[0]].name == constraint;
    let mut servers = unique().filter(first);
    match (servers.next(), servers.next()) {
        (Some(columns), None) => Some(columns),
        // A second one has a number after its name, and which is which is not known here.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{error::DatabaseDetail, prelude::*};

    #[derive(Debug, Clone, Entity)]
    #[entity(table = "people")]
    #[entity(unique = (tenant, email))]
    #[entity(unique = (tenant, badge))]
    struct Person {
        #[entity(primary_key)]
        id: i64,
        tenant: i64,
        email: String,
        badge: String,
        #[entity(unique)]
        handle: String,
    }

    fn columns_of(constraint: &str, table: Option<&str>) -> Vec<String> {
        let error = Error::new(ErrorKind::UniqueViolation, "met").with_detail(DatabaseDetail {
            constraint: Some(constraint.to_owned()),
            table: table.map(str::to_owned),
            ..DatabaseDetail::default()
        });
        let error = with_columns(error, Person::table());
        assert_eq!(error.constraint(), Some(constraint));
        error.columns().to_vec()
    }

    #[test]
    fn a_constraint_is_known_by_either_name() {
        assert_eq!(columns_of("people_handle_key", None), ["handle"]);
        assert_eq!(columns_of("handle", Some("people")), ["handle"]);
        let both = columns_of("people_tenant_email_key", None);
        assert_eq!(both, ["tenant", "email"]);
        assert_eq!(columns_of("PRIMARY", None), ["id"]);
    }

    #[test]
    fn nothing_is_guessed() {
        assert!(columns_of("tenant", None).is_empty());
        assert!(columns_of("people_other_key", None).is_empty());
        assert!(columns_of("PRIMARY", Some("log_of_a_trigger")).is_empty());
    }

    #[test]
    fn what_the_database_names_stays() {
        let error = Error::new(ErrorKind::UniqueViolation, "met").with_detail(DatabaseDetail {
            constraint: Some("PRIMARY".to_owned()),
            columns: vec!["told".to_owned()],
            ..DatabaseDetail::default()
        });
        assert_eq!(with_columns(error, Person::table()).columns(), ["told"]);
    }
}
