//! A page of the tests alone, with an N+1 until it is mended.
#[path = "mended.rs"]
mod mended;
#[path = "planted.rs"]
mod planted;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{Router, routing::get};
use entourage::Database;

/// The source of the page when it is mended.
pub const MENDED: &str = include_str!("mended.rs");

/// Which of the two is served.
pub struct Page(Arc<AtomicBool>);

impl Page {
    /// As if the program had been changed and started anew.
    pub fn mend(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// `/demo/comments`: what is said of each article.
pub fn routes(db: &Database) -> (Router, Page) {
    let mended = Arc::new(AtomicBool::new(false));
    let page = Page(Arc::clone(&mended));
    let db = db.clone();
    let show = move || {
        let (db, mended) = (db.clone(), mended.load(Ordering::Acquire));
        async move {
            let lines = match mended {
                true => mended::comments(&db).await,
                false => planted::comments(&db).await,
            };
            let line =
                |(title, said): &(String, Vec<String>)| format!("{title}: {}", said.join("; "));
            let lines: Vec<_> = lines.unwrap().iter().map(line).collect();
            lines.join("\n")
        }
    };
    (Router::new().route("/demo/comments", get(show)), page)
}
