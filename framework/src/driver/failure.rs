//! Errors of the three databases in one form.
//!
//! A driver reads out what its database says; the kind comes from the dialect, and the message is ours wherever the
//! database's own could quote a value.
use crate::{
    dialect::Dialect,
    error::{DatabaseDetail, Error, ErrorKind},
};

/// The error for what a database reports: `text` is its own message, of which values have been taken out.
pub(super) fn database_error(
    dialect: Dialect,
    detail: DatabaseDetail,
    text: &str,
    source: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    let code = detail.code.as_deref().unwrap_or_default();
    let kind = dialect.classify(code);
    let message = match kind {
        ErrorKind::UniqueViolation => unique(&detail),
        ErrorKind::ForeignKeyViolation => named(
            "a foreign key points at no row, or the row is still pointed at",
            &detail,
        ),
        ErrorKind::NotNullViolation => match detail.columns.as_slice() {
            [] => "a column that must have a value was given NULL".to_owned(),
            columns => format!("{} must not be NULL", list(columns)),
        },
        ErrorKind::CheckViolation => named("a check constraint refused a value", &detail),
        _ => text.to_owned(),
    };
    Error::new(kind, message)
        .with_detail(detail)
        .with_source(source)
}

fn unique(detail: &DatabaseDetail) -> String {
    match detail.columns.as_slice() {
        [] => named("a row with the same key or unique value exists", detail),
        columns => named(
            &format!("a row with the same {} exists", list(columns)),
            detail,
        ),
    }
}

fn named(text: &str, detail: &DatabaseDetail) -> String {
    match &detail.constraint {
        Some(constraint) => format!("{text} (constraint `{constraint}`)"),
        None => text.to_owned(),
    }
}

fn list(columns: &[String]) -> String {
    let quoted: Vec<String> = columns.iter().map(|column| format!("`{column}`")).collect();
    quoted.join(" and ")
}
