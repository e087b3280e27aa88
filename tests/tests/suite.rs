//! Every case on every database. One binary, because linking is most of what a test binary costs.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

#[path = "suite/interop.rs"]
mod interop;
#[path = "suite/pooler.rs"]
mod pooler;
#[path = "suite/recovery.rs"]
mod recovery;
#[path = "suite/replicas.rs"]
mod replicas;
#[path = "suite/reserved_keys.rs"]
mod reserved_keys;
#[path = "suite/settings.rs"]
mod settings;
#[path = "suite/shards.rs"]
mod shards;
#[path = "suite/shared.rs"]
mod shared;
#[path = "suite/tls.rs"]
mod tls;
#[path = "suite/usage.rs"]
mod usage;
#[path = "suite/write_behind.rs"]
mod write_behind;

mod sqlite {
    entourage_tests::suite!(Sqlite);
}

mod sqlite_memory {
    entourage_tests::suite!(SqliteMemory);
}

mod postgres {
    entourage_tests::suite!(Postgres);
}

mod mysql {
    entourage_tests::suite!(Mysql);
}
