//! Every case on every database. One binary, because linking is most of what a test binary costs.

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
