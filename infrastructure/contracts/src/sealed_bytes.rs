//! Sealed bytes inside a clear record.
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use std::fmt;

/// A sealed record, as the vault made it: an Avro `bytes`, copied from a stored event to a message unopened.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SealedBytes(pub Vec<u8>);

impl From<Vec<u8>> for SealedBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for SealedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} sealed bytes]", self.0.len())
    }
}

impl Serialize for SealedBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for SealedBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(BytesVisitor)
    }
}

struct BytesVisitor;

impl<'de> Visitor<'de> for BytesVisitor {
    type Value = SealedBytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<SealedBytes, E> {
        Ok(SealedBytes(bytes.to_vec()))
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<SealedBytes, E> {
        Ok(SealedBytes(bytes))
    }

    // JSON has no bytes; golden files write them as numbers.
    fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<SealedBytes, A::Error> {
        let mut bytes = Vec::with_capacity(numbers.size_hint().unwrap_or(0).min(4096));
        while let Some(byte) = numbers.next_element()? {
            bytes.push(byte);
        }
        Ok(SealedBytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::value::{BytesDeserializer, Error, U8Deserializer};

    #[test]
    fn bytes_are_read_from_every_format_as_they_are() {
        let read = SealedBytes::deserialize(BytesDeserializer::<Error>::new(&[1, 2]));
        assert_eq!(read, Ok(SealedBytes(vec![1, 2])));
        assert_eq!(serde_json::from_str::<SealedBytes>("[1,2]").unwrap(), SealedBytes(vec![1, 2]));
        assert_eq!(SealedBytes::from(vec![1, 2]), SealedBytes(vec![1, 2]));
        let refused = SealedBytes::deserialize(U8Deserializer::<Error>::new(1)).unwrap_err();
        assert!(refused.to_string().ends_with("expected bytes"), "{refused}");
    }

    #[test]
    fn sealed_bytes_are_printed_by_their_number_alone() {
        assert_eq!(format!("{:?}", SealedBytes(vec![1, 2])), "[2 sealed bytes]");
    }
}
