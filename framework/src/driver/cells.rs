//! The buffer that one row's cells are put into, and what is put there.
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

/// Puts the cells of a row of so many `columns` into `cells`: those that `pick` says of the first one, or all.
#[inline]
pub(super) fn gather<'r, 'p, E>(
    columns: usize,
    cells: &mut Vec<Cell<'r>>,
    read: impl Fn(usize) -> Result<Cell<'r>, E>,
    pick: impl FnOnce(&Cell<'r>) -> Result<Option<&'p [usize]>, E>,
) -> Result<(), E> {
    if columns == 0 {
        return Ok(());
    }
    let first = read(0)?;
    match pick(&first)? {
        Some(picked) => {
            for &column in picked {
                cells.push(read(column)?);
            }
        }
        None => {
            cells.push(first);
            for column in 1..columns {
                cells.push(read(column)?);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered(columns: usize, picked: Option<&[usize]>) -> Vec<Cell<'static>> {
        let mut cells = Vec::new();
        let read = |column: usize| Ok::<_, ()>(Cell::Int(column as i64));
        gather(columns, &mut cells, read, |_| Ok(picked)).unwrap();
        cells
    }

    #[test]
    fn all_cells_or_those_that_are_picked_in_their_order() {
        let all = [Cell::Int(0), Cell::Int(1), Cell::Int(2)];
        assert_eq!(gathered(3, None), all);
        assert_eq!(gathered(3, Some(&[2, 1])), [Cell::Int(2), Cell::Int(1)]);
        assert_eq!(gathered(3, Some(&[])), []);
        assert_eq!(gathered(0, None), []);
    }

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
