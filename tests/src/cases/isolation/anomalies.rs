//! The table: each anomaly as a script, how to see that it happened, and what each database does at each level.

use super::script::{
    Do::{Commit, Read, Rollback, Write},
    Outcome::{self, Happens, Prevented, Refused},
    Played, Step,
};

/// One anomaly. The outcomes are those at read uncommitted, read committed, repeatable read, serializable.
pub(super) struct Anomaly {
    pub(super) name: &'static str,
    pub(super) script: &'static [Step],
    pub(super) happened: fn(&Played) -> bool,
    pub(super) postgres: [Outcome; 4],
    pub(super) mysql: [Outcome; 4],
}

const ALL: &str = "SELECT id, value FROM test ORDER BY id";
const ONE: &str = "SELECT id, value FROM test WHERE id = 1";
const TWO: &str = "SELECT id, value FROM test WHERE id = 2";
const IN_THREES: &str = "SELECT id, value FROM test WHERE value % 3 = 0";
const TWENTIES: &str = "SELECT id, value FROM test WHERE value = 20";

const A: usize = 0;
const B: usize = 1;
const C: usize = 2;

pub(super) const ANOMALIES: &[Anomaly] = &[
    Anomaly {
        name: "dirty write (G0)",
        script: &[
            (A, Write("UPDATE test SET value = 11 WHERE id = 1")),
            (B, Write("UPDATE test SET value = 12 WHERE id = 1")),
            (A, Write("UPDATE test SET value = 21 WHERE id = 2")),
            (A, Commit),
            (B, Write("UPDATE test SET value = 22 WHERE id = 2")),
            (B, Commit),
        ],
        happened: |played| played.rows() != [(1, 12), (2, 22)],
        postgres: [Prevented, Prevented, Refused, Refused],
        mysql: [Prevented; 4],
    },
    Anomaly {
        name: "dirty read (G1a)",
        script: &[
            (A, Write("UPDATE test SET value = 101 WHERE id = 1")),
            (B, Read(ALL)),
            (A, Rollback),
            (B, Read(ALL)),
            (B, Commit),
        ],
        happened: |played| [1, 3].iter().any(|step| played.read(*step)[0] == (1, 101)),
        postgres: [Prevented; 4],
        mysql: [Happens, Prevented, Prevented, Prevented],
    },
    Anomaly {
        name: "intermediate read (G1b)",
        script: &[
            (A, Write("UPDATE test SET value = 101 WHERE id = 1")),
            (B, Read(ALL)),
            (A, Write("UPDATE test SET value = 11 WHERE id = 1")),
            (A, Commit),
            (B, Read(ALL)),
            (B, Commit),
        ],
        happened: |played| [1, 4].iter().any(|step| played.read(*step)[0] == (1, 101)),
        postgres: [Prevented; 4],
        mysql: [Happens, Prevented, Prevented, Prevented],
    },
    Anomaly {
        name: "circular information flow (G1c)",
        script: &[
            (A, Write("UPDATE test SET value = 11 WHERE id = 1")),
            (B, Write("UPDATE test SET value = 22 WHERE id = 2")),
            (A, Read(TWO)),
            (B, Read(ONE)),
            (A, Commit),
            (B, Commit),
        ],
        happened: |played| played.read(2) == [(2, 22)] && played.read(3) == [(1, 11)],
        postgres: [Prevented, Prevented, Prevented, Refused],
        mysql: [Happens, Prevented, Prevented, Refused],
    },
    Anomaly {
        name: "observed transaction vanishes (OTV)",
        script: &[
            (A, Write("UPDATE test SET value = 11 WHERE id = 1")),
            (A, Write("UPDATE test SET value = 19 WHERE id = 2")),
            (B, Write("UPDATE test SET value = 12 WHERE id = 1")),
            (A, Commit),
            (C, Read(ALL)),
            (B, Write("UPDATE test SET value = 18 WHERE id = 2")),
            (C, Read(ALL)),
            (B, Commit),
            (C, Read(ALL)),
            (C, Commit),
        ],
        happened: |played| {
            [4, 6, 8]
                .iter()
                .any(|step| played.read(*step) == [(1, 12), (2, 19)])
        },
        postgres: [Prevented, Prevented, Refused, Refused],
        mysql: [Happens, Prevented, Prevented, Prevented],
    },
    Anomaly {
        name: "predicate-many-preceders (PMP), read",
        script: &[
            (A, Read(IN_THREES)),
            (B, Write("INSERT INTO test (id, value) VALUES (3, 30)")),
            (B, Commit),
            (A, Read(IN_THREES)),
            (A, Commit),
        ],
        happened: |played| played.read(0).is_empty() && played.read(3) == [(3, 30)],
        postgres: [Happens, Happens, Prevented, Prevented],
        mysql: [Happens, Happens, Prevented, Prevented],
    },
    Anomaly {
        name: "predicate-many-preceders (PMP), write",
        script: &[
            (A, Write("UPDATE test SET value = value + 10")),
            (B, Read(TWENTIES)),
            (B, Write("DELETE FROM test WHERE value = 20")),
            (A, Commit),
            (B, Commit),
        ],
        // What was read is not what was deleted. At read uncommitted InnoDB reads the row that it then deletes.
        happened: |played| match played.read(1) {
            [(1, 20)] => played.rows() != [(2, 30)],
            _ => played.rows() != [(1, 20)],
        },
        postgres: [Happens, Happens, Refused, Refused],
        mysql: [Prevented, Happens, Happens, Prevented],
    },
    Anomaly {
        name: "lost update (P4)",
        script: &[
            (A, Read(ONE)),
            (B, Read(ONE)),
            (A, Write("UPDATE test SET value = 11 WHERE id = 1")),
            (B, Write("UPDATE test SET value = 12 WHERE id = 1")),
            (A, Commit),
            (B, Commit),
        ],
        happened: |played| played.read(0) == played.read(1),
        postgres: [Happens, Happens, Refused, Refused],
        mysql: [Happens, Happens, Happens, Refused],
    },
    Anomaly {
        name: "read skew (G-single)",
        script: &[
            (A, Read(ONE)),
            (B, Read(ALL)),
            (B, Write("UPDATE test SET value = 12 WHERE id = 1")),
            (B, Write("UPDATE test SET value = 18 WHERE id = 2")),
            (B, Commit),
            (A, Read(TWO)),
            (A, Commit),
        ],
        happened: |played| played.read(0) == [(1, 10)] && played.read(5) == [(2, 18)],
        postgres: [Happens, Happens, Prevented, Prevented],
        mysql: [Happens, Happens, Prevented, Prevented],
    },
    Anomaly {
        name: "write skew on items (G2-item)",
        script: &[
            (A, Read(ALL)),
            (B, Read(ALL)),
            (A, Write("UPDATE test SET value = 11 WHERE id = 1")),
            (B, Write("UPDATE test SET value = 21 WHERE id = 2")),
            (A, Commit),
            (B, Commit),
        ],
        happened: |played| played.read(0) == played.read(1),
        postgres: [Happens, Happens, Happens, Refused],
        mysql: [Happens, Happens, Happens, Refused],
    },
    Anomaly {
        name: "write skew on a predicate (G2)",
        script: &[
            (A, Read(IN_THREES)),
            (B, Read(IN_THREES)),
            (A, Write("INSERT INTO test (id, value) VALUES (3, 30)")),
            (B, Write("INSERT INTO test (id, value) VALUES (4, 42)")),
            (A, Commit),
            (B, Commit),
        ],
        happened: |played| played.read(0).is_empty() && played.read(1).is_empty(),
        postgres: [Happens, Happens, Happens, Refused],
        mysql: [Happens, Happens, Happens, Refused],
    },
];
