//! Shards by name, and how keys are spread over them.
use std::{collections::HashMap, sync::Arc};

use super::{ShardDirectory, ShardRanges, hash};
use crate::{
    error::{Error, ErrorKind, Result},
    executor::sharding::Placement,
    schema::KeyPart,
};

/// How keys are spread over shards.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShardStrategy {
    /// By a lot that each shard's name draws for the key: highest random weight. The order of the shards does not matter;
    /// a shard more takes its part from all others, a shard less gives its part to them, and nothing else moves.
    #[default]
    Rendezvous,
    /// By jump consistent hash of the key: as even as can be, and quick for any number of shards. Shards are told apart by
    /// their place, so that only the last can be added or taken away.
    Jump,
    /// The key modulo the number of shards, for integers; the hash of the key modulo that, for other types. What there is
    /// often enough already; another shard moves nearly everything.
    Modulo,
    /// By ranges of keys.
    Ranges(ShardRanges),
    /// By a list of keys.
    Directory(ShardDirectory),
}

impl From<ShardRanges> for ShardStrategy {
    fn from(ranges: ShardRanges) -> Self {
        Self::Ranges(ranges)
    }
}

impl From<ShardDirectory> for ShardStrategy {
    fn from(directory: ShardDirectory) -> Self {
        Self::Directory(directory)
    }
}

/// Shards by name, in their order, and how keys are spread over them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardMap {
    names: Vec<Arc<str>>,
    strategy: ShardStrategy,
    places: Places,
}

/// The strategy with names resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Places {
    /// The seeds of the shards.
    Rendezvous(Vec<u64>),
    Jump,
    Modulo,
    Ranges {
        bounds: Vec<(KeyPart, usize)>,
        rest: Option<usize>,
    },
    Directory {
        assigned: HashMap<KeyPart, usize>,
        otherwise: Option<Box<Places>>,
    },
}

impl ShardMap {
    /// The map of these shards.
    ///
    /// # Errors
    /// A [`Configuration`](ErrorKind::Configuration) error for no shards, for two of one name, for a strategy that names
    /// others, and for ranges that do not ascend.
    pub fn new<N: Into<Arc<str>>>(
        names: impl IntoIterator<Item = N>,
        strategy: impl Into<ShardStrategy>,
    ) -> Result<Self> {
        let (names, strategy): (Vec<Arc<str>>, _) =
            (names.into_iter().map(Into::into).collect(), strategy.into());
        if names.is_empty() {
            return Err(Error::configuration("there are no shards")
                .with_hint("add each by `.shard(name, url)`"));
        }
        for (at, name) in names.iter().enumerate() {
            if names[..at].contains(name) {
                return Err(Error::configuration(format!(
                    "there are two shards by the name of `{name}`"
                )));
            }
        }
        let places = resolve(&strategy, &names)?;
        Ok(Self {
            names,
            strategy,
            places,
        })
    }

    /// The names of the shards, in their order.
    pub fn names(&self) -> &[Arc<str>] {
        &self.names
    }

    /// How keys are spread.
    pub fn strategy(&self) -> &ShardStrategy {
        &self.strategy
    }

    /// The place of the shard that has the rows of `key`.
    ///
    /// # Errors
    /// [`NoShard`](ErrorKind::NoShard) if none has, which only ranges and directories know of.
    pub fn place(&self, key: &KeyPart) -> Result<usize> {
        self.places.place(key, &self.names)
    }

    /// The place of the shard called `name`.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| **known == *name)
    }
}

impl Placement for ShardMap {
    fn place(&self, key: &KeyPart) -> Result<usize> {
        self.place(key)
    }

    fn name(&self, shard: usize) -> Arc<str> {
        self.names.get(shard).cloned().unwrap_or_default()
    }
}

impl Places {
    fn place(&self, key: &KeyPart, names: &[Arc<str>]) -> Result<usize> {
        let count = names.len();
        let by_hash = |hash: u64| usize::try_from(hash % count as u64).unwrap_or_default();
        match self {
            Places::Rendezvous(seeds) => {
                let names = names.iter().map(|name| &**name);
                let seeded = names.zip(seeds.iter().copied());
                hash::rendezvous(key, seeded).ok_or_else(|| none_for(key))
            }
            Places::Jump => Ok(hash::jump(hash::key_hash(key, 0), count)),
            Places::Modulo => Ok(match key {
                KeyPart::Int(value) => by_hash(value.rem_euclid(count as i64).unsigned_abs()),
                key => by_hash(hash::key_hash(key, 0)),
            }),
            Places::Ranges { bounds, rest } => {
                let kind = bounds.first().map(|(bound, _)| bound);
                if kind.is_some_and(|bound| !are_alike(bound, key)) {
                    return Err(none_for(key)
                        .with_hint("the ranges are those of another type than the shard key"));
                }
                let at = bounds.partition_point(|(bound, _)| bound <= key);
                let within = bounds.get(at).map(|(_, shard)| *shard);
                within.or(*rest).ok_or_else(|| {
                    none_for(key).with_hint("add a range, or `.rest(..)` for all other keys")
                })
            }
            Places::Directory {
                assigned,
                otherwise,
            } => match (assigned.get(key), otherwise) {
                (Some(shard), _) => Ok(*shard),
                (None, Some(otherwise)) => otherwise.place(key, names),
                (None, None) => Err(none_for(key).with_hint(
                    "assign it in the directory, or say what is to be done `.otherwise(..)`",
                )),
            },
        }
    }
}

/// Keys are not shown in messages: they are values of rows.
#[cold]
fn none_for(key: &KeyPart) -> Error {
    let what = match key {
        KeyPart::Int(_) => "an integer",
        KeyPart::Uuid(_) => "a UUID",
        KeyPart::Text(_) => "a text",
        KeyPart::Bytes(_) => "bytes",
        KeyPart::Composite(_) => "several columns",
    };
    Error::new(
        ErrorKind::NoShard,
        format!("no shard has the rows of this shard key ({what})"),
    )
}

fn are_alike(one: &KeyPart, other: &KeyPart) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

fn resolve(strategy: &ShardStrategy, names: &[Arc<str>]) -> Result<Places> {
    let at = |name: &str| {
        names
            .iter()
            .position(|known| **known == *name)
            .ok_or_else(|| {
                let known: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
                Error::configuration(format!("there is no shard by the name of `{name}`"))
                    .with_hint(format!("there are: {}", known.join(", ")))
            })
    };
    let null = || Error::configuration("a shard key is never NULL").with_hint("give `Some` value");
    Ok(match strategy {
        ShardStrategy::Rendezvous => {
            Places::Rendezvous(names.iter().map(|name| hash::seed(name)).collect())
        }
        ShardStrategy::Jump => Places::Jump,
        ShardStrategy::Modulo => Places::Modulo,
        ShardStrategy::Ranges(ranges) => {
            let mut bounds: Vec<(KeyPart, usize)> = Vec::with_capacity(ranges.bounds.len());
            for (bound, name) in &ranges.bounds {
                let bound = bound.clone().ok_or_else(null)?;
                let follows =
                    |(last, _): &(KeyPart, usize)| are_alike(last, &bound) && *last < bound;
                if !bounds.last().is_none_or(follows) {
                    return Err(Error::configuration(format!(
                        "the bound {bound} does not follow the one before it"
                    ))
                    .with_hint("give bounds of one type, the least first"));
                }
                bounds.push((bound, at(name)?));
            }
            let rest = ranges.rest.as_deref().map(at).transpose()?;
            if bounds.is_empty() && rest.is_none() {
                return Err(Error::configuration("there are no ranges")
                    .with_hint("add each by `.below(bound, shard)`"));
            }
            Places::Ranges { bounds, rest }
        }
        ShardStrategy::Directory(directory) => {
            if directory.null {
                return Err(null());
            }
            let assigned = directory.assigned.iter();
            Places::Directory {
                assigned: assigned
                    .map(|(key, name)| Ok((key.clone(), at(name)?)))
                    .collect::<Result<_>>()?,
                otherwise: match &directory.otherwise {
                    Some(otherwise) => Some(Box::new(resolve(otherwise, names)?)),
                    None => None,
                },
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(strategy: impl Into<ShardStrategy>) -> Result<ShardMap> {
        ShardMap::new(["a", "b", "c"], strategy)
    }

    fn places(map: &ShardMap, keys: &[i64]) -> Vec<usize> {
        let place = |&key: &i64| map.place(&KeyPart::Int(key)).unwrap();
        keys.iter().map(place).collect()
    }

    #[test]
    fn a_modulus_counts_from_the_first_shard_also_below_zero() {
        let map = map(ShardStrategy::Modulo).unwrap();
        assert_eq!(
            places(&map, &[0, 1, 2, 3, -1, i64::MIN]),
            [0, 1, 2, 0, 2, 1]
        );
    }

    #[test]
    fn a_range_ends_before_its_bound() {
        let ranges = ShardRanges::new().below(10_i64, "b").below(20_i64, "a");
        let closed = map(ranges.clone()).unwrap();
        assert_eq!(places(&closed, &[i64::MIN, 9, 10, 19]), [1, 1, 0, 0]);
        let error = closed.place(&KeyPart::Int(20)).unwrap_err();
        assert!(
            error.is_no_shard() && error.to_string().contains("`.rest(..)`"),
            "{error}"
        );
        assert!(
            closed
                .place(&KeyPart::Text("9".into()))
                .unwrap_err()
                .is_no_shard()
        );
        let open = map(ranges.rest("c")).unwrap();
        assert_eq!(places(&open, &[20, i64::MAX]), [2, 2]);
    }

    #[test]
    fn a_directory_knows_some_keys_and_leaves_the_others() {
        let directory = ShardDirectory::new().assign(7_i64, "c").assign(8_i64, "a");
        let strict = map(directory.clone()).unwrap();
        assert_eq!(places(&strict, &[7, 8]), [2, 0]);
        assert!(strict.place(&KeyPart::Int(9)).unwrap_err().is_no_shard());
        let open = map(directory.otherwise(ShardStrategy::Modulo)).unwrap();
        assert_eq!(places(&open, &[7, 8, 9, 10]), [2, 0, 0, 1]);
    }

    #[test]
    fn a_map_that_has_no_meaning_is_refused_with_the_way_out() {
        let refused = |map: Result<ShardMap>| {
            let error = map.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration);
            error.to_string()
        };
        let none = refused(ShardMap::new(Vec::<&str>::new(), ShardStrategy::Jump));
        assert!(none.contains("no shards"), "{none}");
        let twice = refused(ShardMap::new(["a", "a"], ShardStrategy::Jump));
        assert!(twice.contains("two shards by the name of `a`"), "{twice}");
        let unknown = refused(map(ShardRanges::new().rest("d")));
        assert!(unknown.contains("there are: `a`, `b`, `c`"), "{unknown}");
        let unknown = refused(map(ShardDirectory::new().assign(1_i64, "d")));
        assert!(unknown.contains("by the name of `d`"), "{unknown}");
        let turned = ShardRanges::new().below(2_i64, "a").below(1_i64, "b");
        let turned = refused(map(turned));
        assert!(turned.contains("the bound 1 does not follow"), "{turned}");
        let mixed = ShardRanges::new()
            .below(2_i64, "a")
            .below("b".to_owned(), "b");
        assert!(refused(map(mixed)).contains("of one type"));
        assert!(refused(map(ShardRanges::new())).contains("no ranges"));
        let null = ShardDirectory::new().assign(None::<i64>, "a");
        assert!(refused(map(null)).contains("never NULL"));
    }

    #[test]
    fn rendezvous_is_by_name_and_jump_by_place() {
        let turned = |strategy| ShardMap::new(["c", "a", "b"], strategy).unwrap();
        let name = |map: &ShardMap, key| {
            let at = map.place(&KeyPart::Int(key)).unwrap();
            map.names()[at].to_string()
        };
        let (one, other) = (
            map(ShardStrategy::Rendezvous).unwrap(),
            turned(ShardStrategy::Rendezvous),
        );
        assert!((0..100).all(|key| name(&one, key) == name(&other, key)));
        let (one, other) = (
            map(ShardStrategy::Jump).unwrap(),
            turned(ShardStrategy::Jump),
        );
        assert!((0..100).any(|key| name(&one, key) != name(&other, key)));
    }
}
