//! The walk that lists tokens and arguments agrees with the text, for any query.
use std::{collections::HashMap, sync::Mutex};

use proptest::{collection::vec, prelude::*, test_runner::TestRunner};

use super::{
    arbitrary::{Owned, Tape},
    queries::groups,
};
use crate::{
    dialect::{Capabilities, Dialect},
    statement::{
        Seek,
        render::{Backend, Shape, ShapeToken, render},
    },
};

fn backends() -> [Backend; 4] {
    [
        Backend::of(Dialect::Sqlite),
        Backend::of(Dialect::Postgres),
        Backend::of(Dialect::Mysql),
        Backend {
            dialect: Dialect::Mysql,
            capabilities: Capabilities::MARIADB,
        },
    ]
}

/// The texts that were seen and what they look for, by their tokens.
#[derive(Default)]
struct Seen(Mutex<HashMap<Vec<ShapeToken>, Said>>);

type Said = (String, Vec<Seek>);

impl Seen {
    fn check(&self, query: &Owned, backend: Backend) -> Result<(), TestCaseError> {
        let Ok((plan, args)) = render(query.query(), backend) else {
            return Ok(());
        };
        let shape = Shape::of(query.query(), backend);
        prop_assert_eq!(&shape.args, &args, "{}", plan.sql);
        let tokens = shape.tokens.expect("no query of the models is raw");
        let mut seen = self.0.lock().unwrap();
        let new = || (plan.sql.to_string(), plan.seeks.clone());
        let (sql, seeks) = seen.entry(tokens).or_insert_with(new);
        prop_assert_eq!(&**sql, &*plan.sql, "one shape, two texts");
        prop_assert_eq!(
            &*seeks,
            &plan.seeks,
            "one shape looks for two things: {}",
            sql
        );
        Ok(())
    }
}

#[test]
fn the_shape_lists_the_texts_arguments_and_tells_texts_apart() {
    let seen = Seen::default();
    let tape = vec(any::<u16>(), 0..90);
    // Neighbours of a query, one choice apart, are the ones whose shapes could be mistaken for each other.
    let changes = vec((0..90_usize, any::<u16>()), 0..6);
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let result = runner.run(&(tape, changes), |(mut tape, changes)| {
        for backend in backends() {
            seen.check(&Tape::new(&tape, backend.dialect).query(), backend)?;
        }
        for (at, number) in changes {
            if let Some(place) = tape.get_mut(at) {
                *place = number;
            }
            for backend in backends() {
                seen.check(&Tape::new(&tape, backend.dialect).query(), backend)?;
            }
        }
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

#[test]
fn the_queries_of_the_snapshots_agree_too() {
    let seen = Seen::default();
    for (_, queries) in groups() {
        for (title, query) in queries {
            for backend in backends() {
                if let Err(error) = seen.check(&query, backend) {
                    panic!("{title}: {error}");
                }
            }
        }
    }
}
