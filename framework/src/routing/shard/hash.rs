//! The hash of a shard key. It says where rows are that were written long ago, so it never changes.
use xxhash_rust::xxh64::xxh64;

use crate::schema::KeyPart;

/// The hash of a key by which shards are chosen: XXH64 of the key's bytes. An integer of any width is 8 bytes, most
/// significant first; a UUID its 16 bytes; text its UTF-8; bytes themselves; any other type the UTF-8 of its text form.
///
/// XXH64 is [specified](https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md), so that programs in other
/// languages can tell the shard of a key too. The seed is 0, but for [`Rendezvous`](super::ShardStrategy::Rendezvous).
pub fn key_hash(key: &KeyPart, seed: u64) -> u64 {
    match key {
        KeyPart::Int(value) => xxh64(&value.to_be_bytes(), seed),
        KeyPart::Uuid(value) => xxh64(&value.to_be_bytes(), seed),
        KeyPart::Text(text) => xxh64(text.as_bytes(), seed),
        KeyPart::Bytes(bytes) => xxh64(bytes, seed),
        // A shard key is one column, so this is none; each part counts all the same.
        KeyPart::Composite(parts) => parts.iter().fold(seed, |seed, part| key_hash(part, seed)),
    }
}

/// One of `shards` by rendezvous: each name draws a lot for the key, and the highest has it. Thaler and Ravishankar,
/// "Using Name-Based Mappings to Increase Hit Rates", 1998.
pub(super) fn rendezvous<'n>(
    key: &KeyPart,
    shards: impl Iterator<Item = (&'n str, u64)>,
) -> Option<usize> {
    let lot = |(at, (name, seed)): (usize, (&'n str, u64))| (key_hash(key, seed), name, at);
    shards.enumerate().map(lot).max().map(|(_, _, at)| at)
}

/// The seed of a shard's lots.
pub(super) fn seed(name: &str) -> u64 {
    xxh64(name.as_bytes(), 0)
}

/// One of `shards` by jump consistent hash. Lamping and Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm", 2014
/// (arXiv:1406.2294), figure 1.
pub(super) fn jump(hash: u64, shards: usize) -> usize {
    let mut state = hash;
    let (mut chosen, mut next) = (0_u64, 0_u64);
    while next < shards as u64 {
        chosen = next;
        state = state
            .wrapping_mul(2_862_933_555_777_941_757)
            .wrapping_add(1);
        let fraction = (1_u64 << 31) as f64 / ((state >> 33) + 1) as f64;
        next = ((chosen + 1) as f64 * fraction) as u64;
    }
    usize::try_from(chosen).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NAMES: [&str; 4] = ["a", "b", "c", "d"];

    fn draw<'n>(key: &KeyPart, names: impl IntoIterator<Item = &'n str>) -> usize {
        let names = names.into_iter().map(|name| (name, seed(name)));
        rendezvous(key, names).unwrap()
    }

    /// They hold for every version to come: rows were placed by them.
    #[test]
    fn the_hashes_of_keys_never_change() {
        let hash = |key| format!("{:016x}", key_hash(&key, 0));
        let golden = [
            hash(KeyPart::Int(0)),
            hash(KeyPart::Int(1)),
            hash(KeyPart::Int(-1)),
            hash(KeyPart::Text("ada@example.org".into())),
            hash(KeyPart::Uuid(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef)),
            hash(KeyPart::Bytes([0_u8, 255].into())),
        ];
        insta::assert_debug_snapshot!(golden);
        // The vector that the specification gives for no bytes at all.
        assert_eq!(hash(KeyPart::Text("".into())), "ef46db3751d8e999");
    }

    #[test]
    fn the_shards_of_keys_never_change() {
        let rendezvous: Vec<_> = (0..32).map(|key| draw(&KeyPart::Int(key), NAMES)).collect();
        let jumps: Vec<_> = (0..32)
            .map(|key| jump(key_hash(&KeyPart::Int(key), 0), 4))
            .collect();
        insta::assert_compact_debug_snapshot!((rendezvous, jumps));
    }

    /// The vectors that are told of with the algorithm: key 0 stays, and others as other implementations have them.
    #[test]
    fn jumps_are_those_of_the_paper() {
        let at = |hash: u64, shards: usize| jump(hash, shards);
        assert_eq!(at(1, 1), 0);
        assert_eq!(at(42, 57), 43);
        assert_eq!(at(0xDEAD_10CC, 1), 0);
        assert_eq!(at(0xDEAD_10CC, 666), 361);
        assert_eq!(at(256, 1024), 520);
    }

    proptest! {
        #[test]
        fn another_shard_takes_keys_and_moves_none_between_the_old(hash: u64, shards in 1_usize..200) {
            let (before, after) = (jump(hash, shards), jump(hash, shards + 1));
            prop_assert!(after == before || after == shards);
            prop_assert!(before < shards);
        }

        #[test]
        fn a_rendezvous_moves_only_the_keys_of_the_shard_that_left(key: i64, gone in 0_usize..4) {
            let key = KeyPart::Int(key);
            let before = draw(&key, NAMES);
            let left: Vec<_> = (0..4).filter(|&at| at != gone).collect();
            let after = draw(&key, left.iter().map(|&at| NAMES[at]));
            if before != gone {
                prop_assert_eq!(left[after], before);
            }
        }

        #[test]
        fn the_order_of_names_does_not_matter(key: i64, turn in 0_usize..4) {
            let key = KeyPart::Int(key);
            let mut turned = NAMES;
            turned.rotate_left(turn);
            let one = NAMES[draw(&key, NAMES)];
            let other = turned[draw(&key, turned)];
            prop_assert_eq!(one, other);
        }
    }

    #[test]
    fn keys_are_spread_evenly() {
        const KEYS: i64 = 40_000;
        let mut counts = [[0_i64; 4]; 2];
        for key in 0..KEYS {
            let key = KeyPart::Int(key);
            counts[0][draw(&key, NAMES)] += 1;
            counts[1][jump(key_hash(&key, 0), 4)] += 1;
        }
        // Five standard deviations of a fair draw are 433.
        let even = |count: &i64| (count - KEYS / 4).abs() < 433;
        assert!(counts.iter().flatten().all(even), "{counts:?}");
    }
}
