//! What a contender loaded, boiled down to two numbers that must agree.
//!
//! It visits every column of every row, so a contender cannot win by leaving something undecoded; it costs all of them
//! the same. It does not see order: no contender is asked for one.

use std::fmt;

/// Counts the rows and sums their integers and the lengths of their texts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checksum {
    /// Rows seen, on every level.
    pub rows: u64,
    /// The sum over their columns.
    pub sum: u64,
}

impl Checksum {
    /// Adds one user.
    pub fn user(&mut self, id: i64, name: &str, email: &str, age: i64) {
        self.row(&[id, age], &[name, email]);
    }

    /// Adds one post.
    pub fn post(&mut self, id: i64, user_id: i64, title: &str, views: i64) {
        self.row(&[id, user_id, views], &[title]);
    }

    /// Adds one comment.
    pub fn comment(&mut self, id: i64, post_id: i64, author: &str, body: &str) {
        self.row(&[id, post_id], &[author, body]);
    }

    /// The answer to an insert: so many rows were written.
    #[must_use]
    pub fn written(rows: u64) -> Self {
        Self { rows, sum: 0 }
    }

    fn row(&mut self, integers: &[i64], texts: &[&str]) {
        self.rows += 1;
        for integer in integers {
            self.sum = self.sum.wrapping_add_signed(*integer);
        }
        for text in texts {
            self.sum = self.sum.wrapping_add(text.len() as u64);
        }
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows, sum {}", self.rows, self.sum)
    }
}
