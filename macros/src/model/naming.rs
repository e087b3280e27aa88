//! Names: tables, columns, consts, and the types generated beside an entity. Pure.
use heck::{ToKebabCase, ToLowerCamelCase, ToPascalCase, ToShoutySnakeCase, ToSnakeCase};
use proc_macro2::{Ident, Span};
use syn::{LitStr, ext::IdentExt};

use crate::diagnostics::{Diagnostics, did_you_mean, listed};

/// A rule for names in SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    /// As the rule for Rust names gives them.
    Snake,
    Camel,
    Pascal,
    Shouty,
    Kebab,
    Lower,
    Upper,
}

impl Case {
    const NAMES: [(&'static str, Case); 7] = [
        ("snake_case", Case::Snake),
        ("camelCase", Case::Camel),
        ("PascalCase", Case::Pascal),
        ("SCREAMING_SNAKE_CASE", Case::Shouty),
        ("kebab-case", Case::Kebab),
        ("lowercase", Case::Lower),
        ("UPPERCASE", Case::Upper),
    ];

    /// The rule of `rename_all = ".."`; snake_case where there is none.
    pub(crate) fn of(rule: Option<&LitStr>, errors: &Diagnostics) -> Self {
        let Some(rule) = rule else {
            return Case::Snake;
        };
        let wanted = rule.value();
        if let Some((_, case)) = Self::NAMES.iter().find(|(name, _)| *name == wanted) {
            return *case;
        }
        let names = || Self::NAMES.iter().map(|(name, _)| *name);
        let hint = match did_you_mean(&wanted, names()) {
            nothing if nothing.is_empty() => format!("; take one of {}", listed(names())),
            hint => hint,
        };
        errors.error_at(rule, format_args!("unknown rule {wanted:?}{hint}"));
        Case::Snake
    }

    /// `name`, a field's or variant's, by this rule.
    pub(crate) fn apply(self, name: &str) -> String {
        match self {
            // What is in that case has the underscores that its author wants.
            Case::Snake if !name.contains(char::is_uppercase) => name.to_owned(),
            Case::Snake => name.to_snake_case(),
            Case::Camel => name.to_lower_camel_case(),
            Case::Pascal => name.to_pascal_case(),
            Case::Shouty => name.to_shouty_snake_case(),
            Case::Kebab => name.to_kebab_case(),
            Case::Lower => name.to_pascal_case().to_lowercase(),
            Case::Upper => name.to_pascal_case().to_uppercase(),
        }
    }
}

/// The table of an entity: `OrderLine` -> `order_lines`.
pub(super) fn table(entity: &Ident) -> String {
    let snake = plain(entity).to_snake_case();
    match snake.rsplit_once('_') {
        Some((before, last)) => format!("{before}_{}", plural(last)),
        None => plural(&snake),
    }
}

/// The foreign key that points at an entity: `OrderLine` -> `order_line_id`.
pub(super) fn foreign_key(name: &Ident, span: Span) -> Ident {
    Ident::new(&format!("{}_id", plain(name).to_snake_case()), span)
}

/// The const of a field or relation: `author_id` -> `AUTHOR_ID`.
pub(crate) fn constant(name: &Ident) -> Ident {
    Ident::new(&legal(plain(name).to_shouty_snake_case()), name.span())
}

/// A name that Rust takes: of `_2fa` nothing is left but `2FA`, and of `__` nothing.
fn legal(name: String) -> String {
    match name.chars().next() {
        None => "__".to_owned(),
        Some(first) if first.is_ascii_digit() => format!("_{name}"),
        Some(_) => name,
    }
}

/// The type of a relation: `open_orders` -> `OpenOrders`.
pub(super) fn marker(name: &Ident) -> Ident {
    identifier(&legal(plain(name).to_pascal_case()), name.span())
}

/// The module of an entity's relations: `OrderLine` -> `order_line`.
pub(super) fn module(entity: &Ident) -> Ident {
    identifier(&plain(entity).to_snake_case(), entity.span())
}

/// A generated name that the user may have given: `text`, or else `default`.
pub(super) fn given(text: Option<&LitStr>, default: Ident, errors: &Diagnostics) -> Ident {
    let Some(text) = text else {
        return default;
    };
    text.parse().unwrap_or_else(|_| {
        errors.error_at(
            text,
            format_args!(
                "{:?} is not a name in Rust; write one such as \"{default}\"",
                text.value()
            ),
        );
        default
    })
}

/// The name without `r#`.
pub(crate) fn plain(ident: &Ident) -> String {
    ident.unraw().to_string()
}

fn identifier(name: &str, span: Span) -> Ident {
    match syn::parse_str::<Ident>(name) {
        Ok(_) => Ident::new(name, span),
        Err(_) if matches!(name, "self" | "Self" | "super" | "crate" | "_" | "") => {
            Ident::new(&format!("{name}_"), span)
        }
        Err(_) => Ident::new_raw(name, span),
    }
}

const IRREGULAR: [(&str, &str); 20] = [
    ("person", "people"),
    ("child", "children"),
    ("man", "men"),
    ("woman", "women"),
    ("mouse", "mice"),
    ("goose", "geese"),
    ("foot", "feet"),
    ("tooth", "teeth"),
    ("ox", "oxen"),
    ("datum", "data"),
    ("medium", "media"),
    ("criterion", "criteria"),
    ("quiz", "quizzes"),
    ("leaf", "leaves"),
    ("half", "halves"),
    ("shelf", "shelves"),
    ("life", "lives"),
    ("knife", "knives"),
    ("hero", "heroes"),
    ("lens", "lenses"),
];

const UNCHANGED: [&str; 13] = [
    "data",
    "equipment",
    "feedback",
    "fish",
    "information",
    "media",
    "metadata",
    "money",
    "news",
    "series",
    "sheep",
    "species",
    "staff",
];

/// The English plural, as far as tables need it; `table = ".."` says otherwise.
fn plural(word: &str) -> String {
    if let Some((_, plural)) = IRREGULAR.iter().find(|(singular, _)| *singular == word) {
        return (*plural).to_owned();
    }
    if word.is_empty() || UNCHANGED.contains(&word) {
        return word.to_owned();
    }
    if let Some(stem) = word.strip_suffix('y')
        && !stem.ends_with(['a', 'e', 'i', 'o', 'u'])
    {
        return format!("{stem}ies");
    }
    if let Some(stem) = word.strip_suffix("sis") {
        return format!("{stem}ses");
    }
    if ["ss", "us", "as", "is", "x", "z", "ch", "sh"]
        .iter()
        .any(|ending| word.ends_with(ending))
    {
        return format!("{word}es");
    }
    if word.ends_with('s') {
        // `Settings`, `Credentials`: a plural already.
        return word.to_owned();
    }
    format!("{word}s")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table_of(entity: &str) -> String {
        table(&Ident::new(entity, Span::call_site()))
    }

    #[test]
    fn a_table_is_the_plural_in_snake_case() {
        for (entity, expected) in [
            ("User", "users"),
            ("OrderLine", "order_lines"),
            ("Category", "categories"),
            ("Day", "days"),
            ("Box", "boxes"),
            ("Branch", "branches"),
            ("Dish", "dishes"),
            ("Address", "addresses"),
            ("Status", "statuses"),
            ("Bus", "buses"),
            ("Analysis", "analyses"),
            ("Person", "people"),
            ("SalesPerson", "sales_people"),
            ("UserData", "user_data"),
            ("Settings", "settings"),
            ("Series", "series"),
            ("HttpRequest", "http_requests"),
        ] {
            assert_eq!(table_of(entity), expected);
        }
    }

    #[test]
    fn every_rule_renames_a_field_and_a_variant() {
        for (case, field, variant) in [
            (Case::Snake, "author_id", "in_review"),
            (Case::Camel, "authorId", "inReview"),
            (Case::Pascal, "AuthorId", "InReview"),
            (Case::Shouty, "AUTHOR_ID", "IN_REVIEW"),
            (Case::Kebab, "author-id", "in-review"),
            (Case::Lower, "authorid", "inreview"),
            (Case::Upper, "AUTHORID", "INREVIEW"),
        ] {
            assert_eq!(case.apply("author_id"), field);
            assert_eq!(case.apply("InReview"), variant);
        }
    }

    #[test]
    fn a_keyword_makes_a_raw_or_lengthened_name() {
        let name = |name| module(&Ident::new(name, Span::call_site())).to_string();
        assert_eq!(name("Match"), "r#match");
        assert_eq!(name("Crate"), "crate_");
        assert_eq!(name("User"), "user");
    }

    #[test]
    fn a_raw_name_is_plain_in_sql_and_in_consts() {
        let name = Ident::new_raw("type", Span::call_site());
        assert_eq!(plain(&name), "type");
        assert_eq!(constant(&name), "TYPE");
    }
}
