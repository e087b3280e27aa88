//! Three processes, one row and a server that is slow, cut off and back: when it is quiet again, nobody keeps an old row.
use proptest::{
    prelude::{
        Just, ProptestConfig, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof,
        proptest,
    },
    test_runner::TestCaseError,
};

use super::*;
use crate::executor::written::Ticket;

#[derive(Debug, Clone)]
enum Deed {
    /// A process reads the row from the database.
    Read(usize),
    /// It keeps what it has read.
    Keep(usize),
    /// It begins to write; the database has the new value when it ends.
    Begin(usize),
    Commit(usize),
    /// The call of the writer goes on, or is dropped.
    End(usize),
    Drop(usize),
    /// Somebody is handed the next notice.
    HandOut(usize),
    Stop,
    Start,
}

fn deed() -> impl Strategy<Value = Deed> {
    let who = 0_usize..3;
    prop_oneof![
        4 => who.clone().prop_map(Deed::Read),
        4 => who.clone().prop_map(Deed::Keep),
        3 => who.clone().prop_map(Deed::Begin),
        3 => who.clone().prop_map(Deed::Commit),
        3 => who.clone().prop_map(Deed::End),
        1 => who.prop_map(Deed::Drop),
        8 => any::<usize>().prop_map(Deed::HandOut),
        1 => Just(Deed::Stop),
        1 => Just(Deed::Start),
    ]
}

#[derive(Default)]
struct Hands {
    read: Option<(Ticket, i64)>,
    writing: Option<Box<dyn PendingWrites>>,
    committed: bool,
}

async fn play(deeds: Vec<Deed>) -> Result<(), TestCaseError> {
    let server = Server::default();
    let mut processes = Vec::new();
    for _ in 0..3 {
        processes.push((Process::join(&server).await, Hands::default()));
    }
    server.with(|state| state.holds = true);
    let mut truth = 0;
    let key = KeyPart::Int(1);
    for deed in deeds {
        match deed {
            Deed::Read(who) => {
                let (process, hands) = &mut processes[who];
                let ticket = process.cache.ticket(Item::table(), &key);
                hands.read = ticket.map(|ticket| (ticket, truth));
            }
            Deed::Keep(who) => {
                let (process, hands) = &mut processes[who];
                if let Some((ticket, value)) = hands.read.take() {
                    let row: Arc<dyn CachedRow> = Arc::new(Item { id: 1, value });
                    process.cache.keep(Item::table(), &key, Some(row), ticket);
                }
            }
            Deed::Begin(who) => {
                let (process, hands) = &mut processes[who];
                if hands.writing.is_none() {
                    let mut pending = process.cache.begin(vec![row(1)]);
                    // The server takes it; whether it has been handed out is another matter.
                    told(pending.announced()).await;
                    hands.writing = Some(pending);
                }
            }
            Deed::Commit(who) => {
                let (_, hands) = &mut processes[who];
                if hands.writing.is_some() && !hands.committed {
                    truth += 1;
                    hands.committed = true;
                }
            }
            Deed::End(who) => {
                let (_, hands) = &mut processes[who];
                if let Some(writing) = hands.writing.take() {
                    let settled = match std::mem::take(&mut hands.committed) {
                        true => Settled::Kept,
                        false => Settled::TakenBack,
                    };
                    told(writing.end(settled)).await;
                }
            }
            Deed::Drop(who) => {
                let (_, hands) = &mut processes[who];
                hands.committed = false;
                drop(hands.writing.take());
            }
            Deed::HandOut(at) => server.hand_out(at),
            Deed::Stop => server.stop(),
            Deed::Start => server.start(),
        }
        settle().await;
        // Whoever has written, or hears of a write, never gives out what was before it.
        for (process, hands) in &processes {
            if hands.writing.is_some() {
                prop_assert_eq!(process.kept(1), None);
            }
        }
    }
    for (_, hands) in &mut processes {
        let committed = hands.committed;
        if let Some(writing) = hands.writing.take() {
            let settled = if committed {
                Settled::Kept
            } else {
                Settled::TakenBack
            };
            told(writing.end(settled)).await;
        }
    }
    // It is quiet again: everything is handed out, everybody is connected.
    server.start();
    server.with(|state| state.holds = false);
    loop {
        settle().await;
        if server.with(|state| state.held.is_empty()) {
            break;
        }
        server.hand_out(0);
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    settle().await;
    for (process, _) in &processes {
        prop_assert!(process.is_connected());
        prop_assert!(process.may_keep(1));
        let kept = process.kept(1);
        prop_assert!(
            kept.is_none_or(|kept| kept == truth),
            "{kept:?} is not {truth}"
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn nobody_keeps_an_old_row_when_it_is_quiet(deeds in prop::collection::vec(deed(), 0..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(play(deeds))?;
    }
}
