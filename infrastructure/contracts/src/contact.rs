//! How to reach somebody: the inner record of every sealed `contact`, in messages and in stored events alike.
use crate::avro::AvroError;
use crate::record::{ContractError, Versions};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::LazyLock;

/// The inner schemas, number 1 first: the number is in the sealed record's authenticated header.
pub const SCHEMAS: &[&str] = &[include_str!("../../../schemas/contracts/sealed/contact.v1.avsc")];

static VERSIONS: LazyLock<Versions> = LazyLock::new(|| Versions::parse(SCHEMAS));

/// How to reach somebody.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "Contact")]
pub struct ContactRecord {
    /// The e-mail address.
    pub email: Option<String>,
    /// What to call the person.
    pub display_name: Option<String>,
}

impl fmt::Debug for ContactRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[sensitive]")
    }
}

/// The number that [`encode`] writes with.
#[must_use]
pub fn current() -> u16 {
    u16::try_from(SCHEMAS.len()).unwrap_or(u16::MAX)
}

/// The plain bytes, to be sealed under inner schema [`current`].
///
/// # Errors
/// [`AvroError::Encode`].
pub fn encode(contact: &ContactRecord) -> Result<Vec<u8>, AvroError> {
    VERSIONS.current().encode(contact)
}

/// Reads opened bytes that were written with inner schema number `schema`.
///
/// # Errors
/// [`ContractError`].
pub fn decode(schema: u16, plain: &[u8]) -> Result<ContactRecord, ContractError> {
    Ok(VERSIONS.current().decode(VERSIONS.find(schema)?, plain)?)
}

/// Opened bytes that were written with inner schema number `schema` as JSON, for whoever may see them.
///
/// # Errors
/// [`ContractError`].
pub fn show(schema: u16, plain: &[u8]) -> Result<serde_json::Value, ContractError> {
    Ok(VERSIONS.find(schema)?.show(plain)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_is_never_printed() {
        let contact = ContactRecord { email: Some("ana@example.org".to_owned()), display_name: None };
        assert_eq!(format!("{contact:?}"), "[sensitive]");
    }

    #[test]
    fn what_is_written_now_is_read_by_the_number_that_it_is_sealed_with() {
        let contact = ContactRecord { email: Some("ana@example.org".to_owned()), display_name: None };
        assert_eq!(decode(current(), &encode(&contact).unwrap()), Ok(contact));
    }
}
