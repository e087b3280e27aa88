//! Arrays in PostgreSQL's binary form.
use super::decode::{Kind, fixed};
use crate::schema::Cell;

/// The cells of an array: number of dimensions, flags, element type, then length and lower bound of each dimension, then
/// each element after its length.
pub(super) fn decode(bytes: &[u8]) -> Result<Box<[Cell<'_>]>, &'static str> {
    let mut reader = Reader(bytes);
    let dimensions = reader.int()?;
    let _flags = reader.int()?;
    let kind = Kind::of_oid(reader.int()?.cast_unsigned());
    let kind = match kind {
        // Arrays of enums and of extensions' types.
        Kind::Extension => Kind::Text,
        kind => kind,
    };
    match dimensions {
        0 => return Ok(Box::default()),
        1 => {}
        _ => return Err("an array of several dimensions is not supported"),
    }
    let length = usize::try_from(reader.int()?).map_err(|_| BROKEN)?;
    let _lower_bound = reader.int()?;
    let mut cells = Vec::with_capacity(length.min(bytes.len()));
    for _ in 0..length {
        cells.push(match reader.int()? {
            -1 => Cell::Null,
            size => kind.cell(reader.take(usize::try_from(size).map_err(|_| BROKEN)?)?)?,
        });
    }
    Ok(cells.into_boxed_slice())
}

const BROKEN: &str = "the array is cut short";

struct Reader<'r>(&'r [u8]);

impl<'r> Reader<'r> {
    fn take(&mut self, size: usize) -> Result<&'r [u8], &'static str> {
        let (taken, rest) = self.0.split_at_checked(size).ok_or(BROKEN)?;
        self.0 = rest;
        Ok(taken)
    }

    fn int(&mut self) -> Result<i32, &'static str> {
        self.take(4).and_then(fixed).map(i32::from_be_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(ints: &[i32]) -> Vec<u8> {
        ints.iter().flat_map(|int| int.to_be_bytes()).collect()
    }

    #[test]
    fn elements_and_nulls_are_read() {
        let bytes = array(&[1, 1, 23, 3, 1, 4, 7, -1, 4, -8]);
        let cells = decode(&bytes).unwrap();
        assert_eq!(&*cells, [Cell::Int(7), Cell::Null, Cell::Int(-8)]);
        assert!(decode(&array(&[0, 0, 23])).unwrap().is_empty());
    }

    #[test]
    fn what_is_cut_short_or_nested_is_refused() {
        assert!(decode(&array(&[1, 0, 23, 3, 1, 4, 7])).is_err());
        assert!(decode(&array(&[1, 0, 23, i32::MAX, 1])).is_err());
        assert!(decode(&array(&[2, 0, 23, 1, 1, 1, 1])).is_err());
        assert!(decode(&[]).is_err());
    }
}
