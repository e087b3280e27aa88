//! Numbers that a 32-bit integer does not hold, as the compiler computes them.
use entourage::prelude::*;

const BIG: isize = 1 << 40;

#[derive(Debug, Clone, Copy, DbEnum)]
#[db_enum(integer)]
pub enum Level {
    Low = 1,
    High = BIG + 1,
}

fn main() {}
