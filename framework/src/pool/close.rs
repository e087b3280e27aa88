//! What closing a pool came to.
use std::{fmt, ops::Add, panic::Location};

/// Whether closing had to leave connections behind. They are closed when they come back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseReport {
    /// How many connections were still lent, or being opened, when the time was up.
    pub forced: usize,
    /// The calls that held them, longest first.
    pub held_by: Vec<&'static Location<'static>>,
}

impl CloseReport {
    /// Whether every connection came back in time.
    pub fn is_clean(&self) -> bool {
        self.forced == 0
    }
}

/// Readers and writer of one pool together.
impl Add for CloseReport {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self.held_by.extend(other.held_by);
        Self {
            forced: self.forced + other.forced,
            held_by: self.held_by,
        }
    }
}

impl fmt::Display for CloseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.forced {
            0 => return f.write_str("closed, every connection came back"),
            1 => f.write_str("closed by force, 1 connection had not come back")?,
            forced => write!(f, "closed by force, {forced} connections had not come back")?,
        }
        for (at, site) in self.held_by.iter().enumerate() {
            let before = if at == 0 { "; held by " } else { ", " };
            write!(f, "{before}{}:{}", site.file(), site.line())?;
        }
        Ok(())
    }
}
