//! From the engine's bytes to an input that a decoder takes seriously.

use std::panic::{AssertUnwindSafe, RefUnwindSafe};

/// Lengths that no datum has, as Avro writes them: what asks for the memory of the whole machine.
const LENGTHS: [i64; 6] = [i64::MAX, i64::MIN, -1, 1 << 60, 1 << 32, 1 << 20];

/// The engine's `input` as it is, or something genuine with changes that `input` tells: so much of it stays right that
/// the decoder comes to what is wrong.
#[must_use]
pub fn hostile(input: &[u8], genuine: &[Vec<u8>]) -> Vec<u8> {
    let Some((choice, rest)) = input.split_first() else { return Vec::new() };
    let Some(chosen) = genuine.get(usize::from(*choice) % (genuine.len() + 1)) else { return rest.to_vec() };
    let mut bytes = chosen.clone();
    let Some((count, changes)) = rest.split_first() else { return bytes };
    // A few: what is changed everywhere is no better than any bytes.
    for change in changes.chunks_exact(3).take(usize::from(count % 6)) {
        let place = usize::from(change[1]) % (bytes.len() + 1);
        let value = change[2];
        match change[0] % 6 {
            0 => bytes.insert(place, value),
            1 => bytes.truncate(place),
            2 => drop(bytes.splice(place..place, long(LENGTHS[usize::from(value) % LENGTHS.len()]))),
            _ if place == bytes.len() => bytes.push(value),
            3 => bytes[place] = value,
            4 => bytes[place] ^= 1 << (value % 8),
            _ => drop(bytes.remove(place)),
        }
    }
    bytes
}

/// `input` in `COUNT` parts, each but the last with its length, below 32, before it; what is not there is empty.
#[must_use]
pub fn parts<const COUNT: usize>(input: &[u8]) -> [&[u8]; COUNT] {
    let mut rest = input;
    std::array::from_fn(|at| {
        let Some((length, after)) = rest.split_first().filter(|_| at + 1 < COUNT) else {
            return std::mem::take(&mut rest);
        };
        let (part, after) = after.split_at(after.len().min(usize::from(length % 32)));
        rest = after;
        part
    })
}

/// The bytes of a golden file that is written in hexadecimal; `None` for anything else.
#[must_use]
pub fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim();
    let pairs = (0..digits.len()).step_by(2);
    pairs.map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()).collect()
}

/// A number as Avro writes it: zigzag, seven bits a byte.
fn long(value: i64) -> Vec<u8> {
    let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
    let mut bytes = Vec::new();
    while rest >= 0x80 {
        bytes.push(rest.to_le_bytes()[0] | 0x80);
        rest >>= 7;
    }
    bytes.push(rest.to_le_bytes()[0]);
    bytes
}

/// `target`, whose ports the engines may use again after it panicked: they stop at the first panic anyway.
pub fn tried(target: impl FnMut(&[u8])) -> impl FnMut(&[u8]) + RefUnwindSafe {
    let mut target = AssertUnwindSafe(target);
    move |input: &[u8]| {
        let target = &mut target;
        target(input);
    }
}
