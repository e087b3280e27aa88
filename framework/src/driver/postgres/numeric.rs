//! PostgreSQL's numeric in its binary form: groups of four decimal digits.
use rust_decimal::Decimal;

use super::decode::fixed;

const BROKEN: &str = "the numeric is cut short";
const TOO_LARGE: &str = "the numeric has more digits than a decimal can hold (28)";

/// The decimal with the numeric's scale. Digits after the 28th are rounded away if they are behind the point; a larger
/// number, NaN and infinity are refused.
pub(super) fn decode(bytes: &[u8]) -> Result<Decimal, &'static str> {
    let (head, groups) = bytes.split_at_checked(8).ok_or(BROKEN)?;
    let part = |at: usize| fixed::<2>(&head[at..at + 2]);
    let count = usize::from(u16::from_be_bytes(part(0)?));
    let weight = i32::from(i16::from_be_bytes(part(2)?));
    let negative = match u16::from_be_bytes(part(4)?) {
        0x0000 => false,
        0x4000 => true,
        _ => return Err("NaN and infinity are no decimals"),
    };
    let scale = u32::from(u16::from_be_bytes(part(6)?));
    if groups.len() != count * 2 {
        return Err(BROKEN);
    }
    let groups = groups
        .chunks_exact(2)
        .map(|group| i128::from(u16::from_be_bytes([group[0], group[1]])));
    let exact = exact(groups.clone(), count, weight, scale);
    let decimal = match exact {
        Some(decimal) => decimal,
        None => rounded(groups, weight)?,
    };
    Ok(if negative { -decimal } else { decimal })
}

/// The usual case, in whole numbers.
fn exact(
    groups: impl Iterator<Item = i128>,
    count: usize,
    weight: i32,
    scale: u32,
) -> Option<Decimal> {
    if count > 9 {
        return None;
    }
    let mantissa = groups.fold(0_i128, |sum, group| sum * 10_000 + group);
    let last_weight = weight - i32::try_from(count).ok()? + 1;
    // How many zeros to append (or, where the last group reaches beyond the scale, to take away).
    let shift = last_weight * 4 + i32::try_from(scale).ok()?;
    let power = 10_i128.checked_pow(shift.unsigned_abs());
    let mantissa = match shift {
        _ if mantissa == 0 => 0,
        0.. => mantissa.checked_mul(power?)?,
        _ => mantissa / power?,
    };
    Decimal::try_from_i128_with_scale(mantissa, scale).ok()
}

/// More digits than fit: let the decimal's own reading of text round them.
fn rounded(groups: impl Iterator<Item = i128>, weight: i32) -> Result<Decimal, &'static str> {
    let mut text = String::new();
    if weight < 0 {
        text.push_str("0.");
        for _ in weight..-1 {
            text.push_str("0000");
        }
    }
    let mut place = weight;
    for group in groups {
        if place == -1 && weight >= 0 {
            text.push('.');
        }
        text.push_str(&format!("{group:04}"));
        place -= 1;
    }
    for _ in 0..=place {
        text.push_str("0000");
    }
    text.parse().map_err(|_| TOO_LARGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(weight: i16, sign: u16, scale: u16, groups: &[u16]) -> Vec<u8> {
        let count = u16::try_from(groups.len()).unwrap();
        [count, weight.cast_unsigned(), sign, scale]
            .into_iter()
            .chain(groups.iter().copied())
            .flat_map(u16::to_be_bytes)
            .collect()
    }

    fn text(weight: i16, sign: u16, scale: u16, groups: &[u16]) -> Result<String, &'static str> {
        decode(&wire(weight, sign, scale, groups)).map(|decimal| decimal.to_string())
    }

    #[test]
    fn numbers_keep_their_scale() {
        assert_eq!(text(0, 0, 2, &[1, 5000]).unwrap(), "1.50");
        assert_eq!(text(-1, 0x4000, 4, &[1]).unwrap(), "-0.0001");
        assert_eq!(text(2, 0, 0, &[1]).unwrap(), "100000000");
        assert_eq!(text(0, 0, 3, &[]).unwrap(), "0.000");
        assert_eq!(text(1, 0, 1, &[12, 3456, 7000]).unwrap(), "123456.7");
    }

    #[test]
    fn digits_that_do_not_fit_are_rounded_or_refused() {
        let thirds = [3333; 10];
        assert_eq!(
            text(-1, 0, 40, &thirds).unwrap(),
            "0.3333333333333333333333333333"
        );
        assert!(
            text(
                0,
                0,
                40,
                &[1, 3333, 3333, 3333, 3333, 3333, 3333, 3333, 3333]
            )
            .unwrap()
            .starts_with("1.333333333333333333333")
        );
        assert!(text(9, 0, 0, &[9999; 10]).is_err());
        assert!(text(0, 0xc000, 0, &[]).is_err());
        assert!(decode(&[0, 1]).is_err());
    }
}
