//! Names of articles in addresses.
use uuid::Uuid;

/// The longest slug made of a title; there is room for a suffix in its column.
const LONGEST: usize = 100;

/// The title's letters and digits in lower case, with a hyphen for everything between them.
pub fn of(title: &str) -> String {
    let mut slug = String::new();
    for character in title.chars().flat_map(char::to_lowercase) {
        if character.is_alphanumeric() {
            slug.push(character);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.chars().count() >= LONGEST {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    match slug {
        "" => "article".to_owned(),
        slug => slug.to_owned(),
    }
}

/// The slug with a suffix that it will not share.
pub fn made_unique(slug: &str) -> String {
    let random = Uuid::new_v4().simple().to_string();
    format!("{slug}-{}", &random[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_has_the_words_of_the_title() {
        assert_eq!(of("How to train your dragon!"), "how-to-train-your-dragon");
        assert_eq!(of("  Ünïcode — 2 words "), "ünïcode-2-words");
        assert_eq!(of("!?"), "article");
        assert_eq!(of(&"a b ".repeat(100)).chars().count(), 99);
    }

    #[test]
    fn a_suffix_tells_equal_slugs_apart() {
        assert_ne!(made_unique("a"), made_unique("a"));
        assert!(made_unique("a").starts_with("a-"));
    }
}
