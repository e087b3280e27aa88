//! What the compiler says to mistakes: every case in `ui/fail` must not compile, with exactly the messages in the
//! `.stderr` beside it.
//!
//! The messages belong to the toolchain in use; after a change, read them and renew the files with
//! `TRYBUILD=overwrite cargo test -p entourage-macros --test ui`.
#[test]
fn mistakes_are_explained_by_the_compiler() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/fail/*/*.rs");
}
