//! SQLite: the rows are taken out and put in again. Nobody else writes meanwhile.
use super::{Kept, Moment, Trigger};
use crate::schema::{RowKeys, Upkeep};

pub(super) fn triggers(kept: &Kept, source: &Upkeep) -> Vec<Trigger> {
    let dialect = kept.dialect;
    let trigger = |moment: Moment| {
        let name = kept.trigger_name(source.table, &moment.sql().to_lowercase());
        let quoted = match source.table.schema {
            Some(schema) => format!("{}.{}", dialect.quote(schema), dialect.quote(&name)),
            None => dialect.quote(&name),
        };
        let on = dialect.quote(source.table.name);
        let body: Vec<_> = moment
            .rows()
            .iter()
            .map(|row| mend(kept, source, moment, row))
            .collect();
        let event = moment.sql();
        let create = format!(
            "CREATE TRIGGER {quoted} AFTER {event} ON {on} FOR EACH ROW BEGIN\n{}\nEND",
            body.join("\n")
        );
        Trigger {
            name,
            source: source.table,
            create: vec![create],
            drop: format!("DROP TRIGGER IF EXISTS {quoted}"),
        }
    };
    Moment::ALL.map(trigger).into()
}

/// Takes the rows of the view anew in which `row` shows.
fn mend(kept: &Kept, source: &Upkeep, moment: Moment, row: &str) -> String {
    let (named, columns, select) = (kept.named(), kept.columns(), &kept.select);
    let gone = kept.matches(source, &named, row);
    let come = kept.matches(source, "kept", row);
    // After an update, what the new row leads to is often what the old one has led to already.
    let moved = match (&source.keys, moment, row) {
        (RowKeys::Columns(positions), Moment::Update, "NEW") => {
            let old = kept.source_columns(source.table, positions, "OLD");
            let new = kept.source_columns(source.table, positions, "NEW");
            format!(" AND ({}) IS NOT ({})", old.join(", "), new.join(", "))
        }
        _ => String::new(),
    };
    format!(
        "DELETE FROM {named} WHERE {gone}{moved};\n\
         INSERT INTO {named} ({columns}) SELECT * FROM ({select}) AS kept WHERE {come}{moved};"
    )
}
