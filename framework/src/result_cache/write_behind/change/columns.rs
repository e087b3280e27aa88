//! What columns are set to. An edit seldom has more than a few, and a counter has one: a short list in order costs less
//! than a tree.
use super::Set;

/// Columns with what they are set to, in the order of their positions.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Columns(Vec<(usize, Set)>);

impl Columns {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What `column` is set to, if it is.
    pub(crate) fn get(&self, column: usize) -> Option<&Set> {
        let at = self.find(column).ok()?;
        Some(&self.0[at].1)
    }

    /// Sets `column`, whatever it was set to before.
    pub(crate) fn insert(&mut self, column: usize, set: Set) {
        match self.find(column) {
            Ok(at) => self.0[at].1 = set,
            Err(at) => self.0.insert(at, (column, set)),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &Set)> {
        self.0.iter().map(|(column, set)| (*column, set))
    }

    fn find(&self, column: usize) -> Result<usize, usize> {
        self.0.binary_search_by_key(&column, |(own, _)| *own)
    }
}

impl IntoIterator for Columns {
    type Item = (usize, Set);
    type IntoIter = std::vec::IntoIter<(usize, Set)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Extend<(usize, Set)> for Columns {
    fn extend<I: IntoIterator<Item = (usize, Set)>>(&mut self, columns: I) {
        columns
            .into_iter()
            .for_each(|(column, set)| self.insert(column, set));
    }
}

impl FromIterator<(usize, Set)> for Columns {
    fn from_iter<I: IntoIterator<Item = (usize, Set)>>(columns: I) -> Self {
        let mut set = Self::default();
        set.extend(columns);
        set
    }
}
