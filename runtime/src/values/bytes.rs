//! Bytes and their text form: base64 (RFC 4648) with padding, canonical in both directions.

use std::fmt;
use std::str::FromStr;

use super::RangeError;

/// A run of bytes; base64 in JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bytes(pub Vec<u8>);

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.chunks(3) {
            let group = chunk.iter().fold(0, |group, byte| group << 8 | u32::from(*byte))
                << (8 * (3 - chunk.len()));
            for place in 0..4 {
                let digit = ALPHABET[(group >> (18 - 6 * place)) as usize & 63];
                let padded = place > chunk.len();
                fmt::Write::write_char(f, if padded { '=' } else { char::from(digit) })?;
            }
        }
        Ok(())
    }
}

impl FromStr for Bytes {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, RangeError> {
        if !text.len().is_multiple_of(4) {
            return Err(RangeError::new("its length is not a multiple of 4"));
        }
        let digits = text.trim_end_matches('=');
        if text.len() - digits.len() > 2 {
            return Err(RangeError::new("it has more than two `=` at its end"));
        }
        let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
        for chunk in digits.as_bytes().chunks(4) {
            decode_group(chunk, &mut bytes)?;
        }
        Ok(Self(bytes))
    }
}

/// Decodes two to four digits to one to three bytes.
fn decode_group(digits: &[u8], bytes: &mut Vec<u8>) -> Result<(), RangeError> {
    let mut group = 0;
    for digit in digits {
        let value = digit_value(*digit)
            .ok_or_else(|| RangeError::new("it holds a character that is no base64 digit"))?;
        group = group << 6 | value;
    }
    let spare = 6 * digits.len() % 8;
    if group & ((1 << spare) - 1) != 0 {
        return Err(RangeError::new("its last digit holds bits that stand for nothing"));
    }
    let whole = digits.len() * 6 / 8;
    bytes.extend_from_slice(&(group >> spare << (8 * (4 - whole))).to_be_bytes()[..whole]);
    Ok(())
}

fn digit_value(digit: u8) -> Option<u32> {
    Some(u32::from(match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}
