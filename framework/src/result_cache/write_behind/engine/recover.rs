//! The queue as it was when the program ended.
use std::collections::HashMap;

use tokio::time::Instant;

use super::{Figures, State, row_key};
use crate::{
    error::Result,
    result_cache::write_behind::{
        Settings,
        complaint::{changed_table, refused},
        dead_letter::DeadLetters,
        journal::{record::Letter, recovery::Recovered},
        queue::{Limits, NotTaken, Queue},
    },
    schema::TableDef,
};

impl State {
    /// The queue as the journal and the database say it was.
    pub(super) fn recover(
        recovered: &mut Recovered,
        tables: &[&'static TableDef],
        fingerprints: &[u64],
        settings: &Settings,
        committed: u64,
    ) -> Result<Self> {
        let limits = Limits {
            max_pending: settings.max_pending,
            batch: settings.flush_at,
            age: settings.flush_every,
        };
        let mut queue = Queue::new(
            tables.to_vec(),
            Limits {
                max_pending: usize::MAX,
                ..limits
            },
            committed + 1,
        );
        let positions: HashMap<u64, usize> = fingerprints
            .iter()
            .enumerate()
            .map(|(at, &own)| (own, at))
            .collect();
        let position = |table: u64| {
            let unknown = || changed_table(recovered.tables.get(&table), settings);
            positions.get(&table).copied().ok_or_else(unknown)
        };
        let mut letters = DeadLetters::recovered(recovered.letters.clone(), committed);
        for letter in letters.iter() {
            position(letter.table)?;
        }
        let now = Instant::now().into_std();
        let mut orphans = Vec::new();
        for write in recovered
            .writes
            .iter()
            .filter(|write| write.seq > committed)
        {
            let table = position(write.table)?;
            queue.continue_after(write.seq - 1);
            let row = (table, row_key(&write.key)?);
            if let Err(NotTaken::Refused(why)) =
                queue.push(row.clone(), write.key.clone(), write.change.clone(), now)
            {
                orphans.push((write, refused(tables[table], &row.1, why)));
            }
        }
        queue.continue_after(recovered.highest.max(committed));
        queue.set_max_pending(limits.max_pending);
        let orphans = orphans.into_iter().map(|(write, error)| Letter {
            id: queue.number(),
            table: write.table,
            key: write.key.clone(),
            change: write.change.clone(),
            kind: error.kind().name().to_owned(),
            reason: error.to_string(),
        });
        letters.add(committed, orphans.collect());
        if recovered.torn > 0 {
            tracing::warn!(target: "entourage::write_behind", bytes = recovered.torn, "cut a torn tail off the journal");
        }
        Ok(Self {
            queue,
            letters,
            figures: Figures::default(),
        })
    }
}
