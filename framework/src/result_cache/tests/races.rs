//! Loads and writes in every order: 1,000 rounds of random schedules each.
//!
//! Each actor is a list of steps, and whose step comes next is drawn by lot. After every step the cache may give out only
//! the truth, and nothing of a row that is being written.
use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use super::*;
use crate::{
    result_cache::{QueryKey, results},
    transaction::writes::Writes,
};

const ROUNDS: u64 = 1_000;

type Step = Box<dyn FnOnce(&mut World)>;
type Actor = Vec<Step>;

/// Plays rounds of the actors; what may be in the cache at the end is counted.
fn play(actors: impl Fn() -> Vec<Actor>, check: impl Fn(&World)) -> HashMap<String, u64> {
    let mut ends = HashMap::new();
    let mut lot = Lot(0x9E37_79B9_7F4A_7C15);
    for _ in 0..ROUNDS {
        let mut world = World::new();
        let mut actors: Vec<_> = actors().into_iter().map(Vec::into_iter).collect();
        loop {
            actors.retain(|actor| actor.len() > 0);
            if actors.is_empty() {
                break;
            }
            let next = lot.below(actors.len());
            if let Some(step) = actors[next].next() {
                step(&mut world);
            }
            check(&world);
        }
        let end = format!("{:?}", world.given_out(1));
        *ends.entry(end).or_default() += 1;
    }
    ends
}

/// Numbers that are the same in each run.
struct Lot(u64);

impl Lot {
    fn below(&mut self, count: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % count as u64).unwrap()
    }
}

fn only_the_truth(world: &World) {
    match world.given_out(1) {
        Some(_) if world.writing > 0 => panic!("given out while it was written"),
        Some(given) => assert_eq!(given, world.truth.get(&1).copied()),
        None => {}
    }
}

fn load() -> Actor {
    let ticket = Rc::new(RefCell::new(None));
    let read = Rc::new(RefCell::new(None));
    let (ticket_then, read_then) = (Rc::clone(&ticket), Rc::clone(&read));
    vec![
        Box::new(move |world| *ticket.borrow_mut() = world.ticket(1)),
        Box::new(move |world| *read.borrow_mut() = world.row(1)),
        Box::new(move |world| {
            if let Some(ticket) = ticket_then.take() {
                let row = read_then.take();
                world
                    .cache
                    .keep(Item::table(), &KeyPart::Int(1), row, ticket);
            }
        }),
    ]
}

fn set(world: &mut World, value: Option<i64>) {
    match value {
        Some(value) => world.truth.insert(1, value),
        None => world.truth.remove(&1),
    };
}

fn write(value: Option<i64>, settled: Settled, write: impl FnOnce() -> Write + 'static) -> Actor {
    let pending = Rc::new(RefCell::new(None));
    let pending_then = Rc::clone(&pending);
    vec![
        Box::new(move |world| *pending.borrow_mut() = Some(world.begin(vec![write()]))),
        Box::new(move |world| {
            if settled == Settled::Kept {
                set(world, value);
            }
        }),
        Box::new(move |world| {
            let pending = pending_then.take().unwrap();
            world.end(pending, settled);
        }),
    ]
}

fn commit(value: Option<i64>) -> Actor {
    write(value, Settled::Kept, move || leaves(1, value))
}

#[test]
fn a_load_meets_a_committed_write() {
    let ends = play(|| vec![load(), commit(Some(7))], only_the_truth);
    // The row as it was written, whatever the load did.
    assert_eq!(ends, HashMap::from([("Some(Some(7))".to_owned(), ROUNDS)]));
}

#[test]
fn a_load_meets_a_rollback() {
    let taken_back = || write(Some(7), Settled::TakenBack, || leaves(1, Some(7)));
    let ends = play(|| vec![load(), load(), taken_back()], only_the_truth);
    assert!(!ends.contains_key("Some(Some(7))"), "{ends:?}");
}

/// A load from where no write has arrived yet, as from a replica that lags behind. `late` is whether it began after the
/// write.
fn lagging_load(late: &Rc<Cell<bool>>) -> Actor {
    let ticket = Rc::new(RefCell::new(None));
    let (late, ticket_then) = (Rc::clone(late), Rc::clone(&ticket));
    vec![
        Box::new(move |world| {
            *ticket.borrow_mut() = world.ticket(1);
            late.set(world.writing == 0 && world.truth.get(&1) == Some(&7));
        }),
        Box::new(move |world| {
            if let Some(ticket) = ticket_then.take() {
                let old: Arc<dyn CachedRow> = Arc::new(Item { id: 1, value: 0 });
                let key = KeyPart::Int(1);
                world.cache.keep(Item::table(), &key, Some(old), ticket);
            }
        }),
    ]
}

#[test]
fn a_load_that_lags_behind_is_believed_only_if_it_began_after_the_write() {
    let mut lot = Lot(11);
    let mut believed = 0;
    for _ in 0..ROUNDS {
        let late = Rc::new(Cell::new(false));
        let mut world = World::new();
        let mut actors: Vec<_> = [lagging_load(&late), commit(Some(7))]
            .map(Vec::into_iter)
            .into();
        while !actors.is_empty() {
            let next = lot.below(actors.len());
            match actors[next].next() {
                Some(step) => step(&mut world),
                None => drop(actors.remove(next)),
            }
        }
        // Tickets are numbers of writes that passed here; how far another copy of the rows is they do not say.
        let expected = if late.get() { 0 } else { 7 };
        assert_eq!(world.given_out(1), Some(Some(expected)));
        believed += u64::from(late.get());
        // The next write ends it.
        let pending = world.begin(vec![leaves(1, Some(8))]);
        assert_eq!(world.given_out(1), None);
        world.end(pending, Settled::Kept);
        assert_eq!(world.given_out(1), Some(Some(8)));
    }
    assert!((1..ROUNDS).contains(&believed), "{believed}");
}

#[test]
fn two_writers_and_two_loads_meet() {
    let actors = || vec![load(), commit(Some(7)), load(), commit(Some(8))];
    let ends = play(actors, only_the_truth);
    // Where they overlap, nobody knows which came last.
    assert!(ends.contains_key("None"), "{ends:?}");
    assert!(ends.contains_key("Some(Some(8))"), "{ends:?}");
    assert!(!ends.contains_key("Some(Some(0))"), "{ends:?}");
}

#[test]
fn a_delete_meets_a_load() {
    let ends = play(|| vec![load(), commit(None), load()], only_the_truth);
    assert_eq!(ends, HashMap::from([("Some(None)".to_owned(), ROUNDS)]));
}

#[test]
fn a_row_is_added_while_it_is_looked_for() {
    let new = || {
        let touched = Touched::new(Item::table(), TouchedRows::New);
        let row: Arc<dyn CachedRow> = Arc::new(Item { id: 1, value: 9 });
        touched.note(Fresh {
            key: KeyPart::Int(1),
            row: Some(row),
        });
        Write::Table {
            name: "items".into(),
            removes: false,
            touched: Some(touched),
        }
    };
    let gone: fn() -> Step = || Box::new(|world| set(world, None));
    let mut lot = Lot(7);
    for _ in 0..ROUNDS {
        let mut world = World::new();
        gone()(&mut world);
        let actors = vec![load(), write(Some(9), Settled::Kept, new), load()];
        let mut actors: Vec<_> = actors.into_iter().map(Vec::into_iter).collect();
        while !actors.is_empty() {
            let next = lot.below(actors.len());
            match actors[next].next() {
                Some(step) => step(&mut world),
                None => drop(actors.remove(next)),
            }
            // It is not named while it is added, so a row that was found may be given out.
            if world.given_out(1) == Some(None) {
                assert_eq!((world.writing, world.truth.get(&1)), (0, None));
            }
        }
    }
}

#[test]
fn a_savepoint_is_rolled_back_while_a_load_is_under_way() {
    let transaction = || -> Actor {
        let writes = Rc::new(Writes::default());
        let (inner, outer) = (Rc::clone(&writes), Rc::clone(&writes));
        let pending = Rc::new(RefCell::new(None));
        let pending_then = Rc::clone(&pending);
        vec![
            Box::new(move |_| writes.add(0, vec![leaves(1, Some(5))])),
            Box::new(move |_| {
                inner.add(1, vec![leaves(1, Some(6))]);
                inner.add(2, vec![leaves(1, None)]);
                inner.hand_up(2, 1);
                inner.drop_from(1);
            }),
            Box::new(move |world| *pending.borrow_mut() = Some(world.begin(outer.take()))),
            Box::new(|world| set(world, Some(5))),
            Box::new(move |world| {
                let pending = pending_then.take().unwrap();
                world.end(pending, Settled::Kept);
            }),
        ]
    };
    let ends = play(|| vec![load(), transaction(), load()], only_the_truth);
    assert_eq!(ends, HashMap::from([("Some(Some(5))".to_owned(), ROUNDS)]));
}

#[test]
fn writes_to_unknown_rows_meet_loads_and_named_writes() {
    let bulk = || write(Some(4), Settled::Kept, anywhere);
    let anything = || write(Some(3), Settled::Kept, || Write::Anything);
    let actors = || vec![load(), bulk(), commit(Some(7)), anything(), load()];
    play(actors, only_the_truth);
}

#[test]
fn a_bulk_write_meets_the_load_of_a_result() {
    let key = || QueryKey::of::<Option<i64>>("SELECT value FROM items".into(), &[]);
    let load = move || -> Actor {
        let numbers = Rc::new(RefCell::new(None));
        let read = Rc::new(RefCell::new(None));
        let (numbers_then, read_then) = (Rc::clone(&numbers), Rc::clone(&read));
        vec![
            Box::new(move |world| {
                let cache = &world.cache.0;
                *numbers.borrow_mut() = cache.numbers(&[cache.tables.state("items")]);
            }),
            Box::new(move |world| *read.borrow_mut() = world.truth.get(&1).copied()),
            Box::new(move |world| {
                let cache = &world.cache.0;
                if let Some(numbers) = numbers_then.take() {
                    let tables = [(cache.tables.state("items"), numbers[0])];
                    let (value, minute) = (Arc::new(read_then.take()), Duration::from_secs(60));
                    let (results, clock) = (&cache.results, &cache.clock);
                    results.keep(key(), value, 1, Box::new(tables), minute, clock);
                }
            }),
        ]
    };
    let given_out = move |world: &World| {
        let cache = &world.cache.0;
        let minute = Duration::from_secs(60);
        match cache.results.look(&key(), minute, &cache.clock) {
            results::Found::Kept(value) => value.downcast_ref::<Option<i64>>().copied(),
            _ => None,
        }
    };
    let bulk = |value| write(Some(value), Settled::Kept, anywhere);
    let taken_back = || write(Some(9), Settled::TakenBack, anywhere);
    let actors = || vec![load(), bulk(7), load(), commit(Some(8)), taken_back()];
    play(actors, |world| match given_out(world) {
        Some(_) if world.writing > 0 => panic!("given out while it was written"),
        Some(given) => assert_eq!(given, world.truth.get(&1).copied()),
        None => {}
    });
}
