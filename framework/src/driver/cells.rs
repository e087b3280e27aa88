//! The buffer that one row's cells are put into.
use crate::schema::Cell;

/// The allocation of `cells`, empty, for the cells of another row.
///
/// Collecting a vector's own iterator reuses its allocation, which is what makes this cheap without `unsafe`; should
/// the standard library cease to do so, a row costs one allocation more and nothing else changes.
#[inline]
pub(super) fn recycle<'a, 'b>(mut cells: Vec<Cell<'a>>) -> Vec<Cell<'b>> {
    cells.clear();
    cells
        .into_iter()
        .map(|_| unreachable!("the buffer was cleared"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_allocation_is_kept() {
        let mut cells: Vec<Cell<'static>> = Vec::with_capacity(32);
        cells.push(Cell::Text("x"));
        let address = cells.as_ptr() as usize;
        let cells: Vec<Cell<'static>> = recycle(cells);
        assert!(cells.is_empty());
        assert_eq!((cells.as_ptr() as usize, cells.capacity()), (address, 32));
    }
}
