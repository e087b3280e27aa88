//! What is told of writes arrives.
use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

use super::*;
use crate::result_cache::processes::notice::{Step, gone_along};

fn keys(keys: &[i64]) -> Write {
    let keys = keys.iter().map(|key| KeyPart::Int(*key)).collect();
    Write::Table {
        name: "Items".into(),
        removes: true,
        touched: Some(Touched::new(Item::table(), TouchedRows::Keys(keys))),
    }
}

fn heard(writes: &[Write]) -> Vec<Write> {
    let notice = Notice::about(writes, |_| Vec::new());
    let again = Notice::read(&notice.to_text());
    assert_eq!(again, notice);
    again.writes(|name| (name == "items").then(Item::table))
}

fn text(writes: &[Write]) -> String {
    format!("{writes:?}")
}

proptest! {
    #[test]
    fn the_keys_of_a_write_arrive(mut ids in prop::collection::vec(any::<i64>(), 1..64)) {
        let heard = heard(&[keys(&ids)]);
        let [Write::Table { name, removes: true, touched: Some(touched) }] = heard.as_slice() else {
            panic!("{heard:?}");
        };
        prop_assert_eq!(&**name, "items");
        let TouchedRows::Keys(mut found) = touched.rows.clone() else { panic!() };
        ids.sort_unstable();
        ids.dedup();
        found.sort_unstable();
        prop_assert_eq!(found, ids.into_iter().map(KeyPart::Int).collect::<Vec<_>>());
    }

    #[test]
    fn no_notice_is_too_long_for_postgres(
        ids in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..512), 0..100),
        tables in 1_usize..80,
    ) {
        let write = |table: usize| {
            let keys = ids.iter().map(|id| KeyPart::Bytes(id.clone().into())).collect();
            Write::Table {
                name: format!("a_table_with_a_name_of_some_length_{table}").into(),
                removes: false,
                touched: Some(Touched::new(Item::table(), TouchedRows::Keys(keys))),
            }
        };
        let writes: Vec<_> = (0..tables).map(write).collect();
        let notice = Notice::about(&writes, |_| Vec::new());
        prop_assert!(notice.to_text().len() < 8_000, "{}", notice.to_text().len());
    }

    #[test]
    fn whatever_is_no_notice_is_taken_for_a_write_to_anything(text in ".{0,40}") {
        prop_assert!(Notice::read(&text).anything);
    }
}

#[test]
fn what_nobody_named_arrives_as_that() {
    let bulk = Write::Table {
        name: "items".into(),
        removes: false,
        touched: None,
    };
    assert_eq!(
        text(&heard(std::slice::from_ref(&bulk))),
        text(std::slice::from_ref(&bulk))
    );
    assert_eq!(
        text(&heard(&[keys(&[1]), bulk, Write::Anything])),
        text(&[Write::Anything])
    );
    let many: Vec<i64> = (0..1_000).collect();
    let [Write::Table { touched: None, .. }] = heard(&[keys(&many)])[..] else {
        panic!("too many keys are told as any rows");
    };
}

#[test]
fn new_rows_and_known_ones_are_told_apart() {
    let new = Write::Table {
        name: "items".into(),
        removes: false,
        touched: Some(Touched::new(Item::table(), TouchedRows::New)),
    };
    assert_eq!(heard(&[new, keys(&[1])]).len(), 2);
}

#[test]
fn a_later_version_is_taken_for_a_write_to_anything() {
    let notice = Notice::about(&[keys(&[1])], |_| Vec::new());
    let later = notice.to_text().replace("\"v\":1", "\"v\":2");
    assert_ne!(later, notice.to_text());
    assert_eq!(
        text(&Notice::read(&later).writes(|_| None)),
        text(&[Write::Anything])
    );
}

#[test]
fn tables_that_go_along_are_told_by_whoever_knows_them() {
    let along = |name: &str| match name {
        "items" | "Items" => vec!["parts".to_owned()],
        _ => Vec::new(),
    };
    let knowing = Notice::about(&[keys(&[1])], along);
    assert!(knowing.tables["parts"].any);
    assert!(gone_along(&knowing, along).is_empty());
    let not_knowing = Notice::about(&[keys(&[1])], |_| Vec::new());
    let [Write::Table { name, .. }] = &gone_along(&not_knowing, along)[..] else {
        panic!("the parts go along");
    };
    assert_eq!(&**name, "parts");
    assert_eq!(not_knowing.at(Step::End).step, Step::End);
}
