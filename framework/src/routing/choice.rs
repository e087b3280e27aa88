//! In which order replicas are considered for a read. Pure.
use super::Balance;

/// The replicas that can serve a read, the one that should first. `turn` counts the reads, `chance` is a random number
/// from 0 to 1, `load` says how many connections of a replica are in use.
pub(super) fn order(
    balance: Balance,
    mut usable: Vec<usize>,
    turn: usize,
    chance: f64,
    load: impl Fn(usize) -> usize,
) -> Vec<usize> {
    let count = usable.len();
    if count < 2 {
        return usable;
    }
    match balance {
        Balance::RoundRobin => usable.rotate_left(turn % count),
        Balance::Random => usable.rotate_left(((chance * count as f64) as usize).min(count - 1)),
        Balance::LeastConnections => {
            // Equals take turns.
            usable.rotate_left(turn % count);
            usable.sort_by_cached_key(|&replica| load(replica));
        }
    }
    usable
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn round_robin_takes_one_after_the_other() {
        let first = |turn| order(Balance::RoundRobin, vec![1, 2, 4], turn, 0.0, |_| 0)[0];
        assert_eq!([0, 1, 2, 3, 4].map(first), [1, 2, 4, 1, 2]);
    }

    #[test]
    fn the_least_used_comes_first_and_equals_take_turns() {
        let load = |replica: usize| [9, 3, 0, 3][replica];
        let first = |turn| order(Balance::LeastConnections, vec![0, 1, 3], turn, 0.0, load)[0];
        assert_eq!([0, 1, 2].map(first), [1, 1, 3]);
        let all = order(Balance::LeastConnections, vec![0, 1, 2, 3], 0, 0.0, load);
        assert_eq!(all, [2, 1, 3, 0]);
    }

    proptest! {
        #[test]
        fn every_replica_is_considered_once(
            count in 0..6_usize,
            turn: usize,
            chance in 0.0..=1.0,
            load in prop::collection::vec(0..4_usize, 6),
        ) {
            for balance in [Balance::RoundRobin, Balance::Random, Balance::LeastConnections] {
                let mut seen = order(balance, (0..count).collect(), turn, chance, |at| load[at]);
                seen.sort_unstable();
                prop_assert_eq!(seen, (0..count).collect::<Vec<_>>());
            }
        }
    }
}
