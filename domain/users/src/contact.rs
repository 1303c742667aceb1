//! How a user is reached.
use crate::{FullName, Username};
use domain_kernel::Sensitive;
use std::fmt;

/// An e-mail address: trimmed, lower case, at most 254 characters (RFC 5321 §4.5.3.1.3), one `@` between a local part
/// of at most 64 and a domain. Quoted local parts and comments are not taken: they are how headers get injected.
#[derive(Clone, PartialEq, Eq)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// # Errors
    /// [`InvalidEmailAddress`] when it is not of that form.
    pub fn parse(text: &str) -> Result<Self, InvalidEmailAddress> {
        let address = text.trim().to_lowercase();
        let (local, domain) = address.split_once('@').ok_or(InvalidEmailAddress)?;
        let well_formed = address.len() <= 254
            && (1..=64).contains(&local.len())
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..")
            && local.chars().all(|c| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c))
            && domain.split('.').count() >= 2
            && domain.split('.').all(is_label);
        well_formed.then_some(Self(address)).ok_or(InvalidEmailAddress)
    }

    /// The demo's address of somebody who gave none: `<username>@lab.local`, what does not fit an address replaced by
    /// a hyphen.
    #[must_use]
    pub fn assigned_to(username: &Username) -> Self {
        let local: String = username
            .as_str()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' || c == '.' { c } else { '-' })
            .collect();
        let local = local.split('.').filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".");
        Self(format!("{}@lab.local", if local.is_empty() { "-" } else { &local }))
    }

    /// The address, as it is compared and written to.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.chars().all(|c| c.is_alphanumeric() || c == '-')
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[address]")
    }
}

/// Not of the form `name@domain.tld`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an e-mail address has the form name@domain.tld and at most 254 characters")]
pub struct InvalidEmailAddress;

/// Where an address came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressOrigin {
    /// Given for this user; nobody else may give it.
    Given,
    /// Made up by the demo for somebody who gave none; reserved for nobody.
    Assigned,
}

/// An address, about to become a user's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The address.
    pub email: EmailAddress,
    /// Where it came from.
    pub origin: AddressOrigin,
}

/// How a user is reached, as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Where the address came from; not sensitive.
    pub origin: AddressOrigin,
    /// The address and the name on the envelope.
    pub details: Sensitive<ContactDetails>,
}

impl Contact {
    /// Reaches somebody at `address`, under the full name or else the username.
    #[must_use]
    pub fn new(address: Address, full_name: Option<&FullName>, username: Option<&Username>) -> Self {
        let display_name = full_name.map(FullName::as_str).or(username.map(Username::as_str)).map(str::to_owned);
        Self {
            origin: address.origin,
            details: Sensitive::Known(ContactDetails { email: address.email, display_name }),
        }
    }

    /// The address, unless it was erased.
    #[must_use]
    pub fn email(&self) -> Option<&EmailAddress> {
        self.details.known().map(|details| &details.email)
    }
}

/// The address and the name on the envelope.
#[derive(Clone, PartialEq, Eq)]
pub struct ContactDetails {
    /// Where mail goes.
    pub email: EmailAddress,
    /// How the mail greets.
    pub display_name: Option<String>,
}

impl fmt::Debug for ContactDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[contact]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_spellings_are_one_address() {
        assert_eq!(EmailAddress::parse(" Ana.Soto@Lab.CL "), EmailAddress::parse("ana.soto@lab.cl"));
    }

    #[test]
    fn an_address_has_a_name_and_a_domain() {
        for wrong in [
            "",
            "ana",
            "@lab.cl",
            "ana@",
            "ana@lab",
            "ana@@lab.cl",
            "a na@lab.cl",
            "ana@lab..cl",
            ".ana@lab.cl",
            "ana.@lab.cl",
            "a..a@lab.cl",
            "ana@-lab.cl",
            "ana@lab.cl\r\nBcc: x@y.z",
            "<ana@lab.cl>",
            "\"a b\"@lab.cl",
        ] {
            assert_eq!(EmailAddress::parse(wrong), Err(InvalidEmailAddress), "{wrong}");
        }
        assert!(EmailAddress::parse("o'higgins+lab@hospital.gob.cl").is_ok());
    }

    #[test]
    fn an_address_has_at_most_254_characters() {
        let domain = [&"d".repeat(63), &"e".repeat(63), &"f".repeat(61)].map(String::as_str).join(".");
        assert!(EmailAddress::parse(&format!("{}@{domain}", "a".repeat(64))).is_ok());
        assert_eq!(EmailAddress::parse(&format!("{}@{domain}f", "a".repeat(64))), Err(InvalidEmailAddress));
        assert_eq!(EmailAddress::parse(&format!("{}@lab.cl", "a".repeat(65))), Err(InvalidEmailAddress));
    }

    #[test]
    fn an_assigned_address_is_well_formed() {
        for name in ["usuario2", "ana soto", "..a..", "ñandú", "...", "a@b.c"] {
            let assigned = EmailAddress::assigned_to(&Username::parse(name).unwrap());
            assert_eq!(EmailAddress::parse(assigned.as_str()), Ok(assigned.clone()), "{name}");
        }
        let usuario2 = EmailAddress::assigned_to(&Username::parse("usuario2").unwrap());
        assert_eq!(usuario2.as_str(), "usuario2@lab.local");
    }

    #[test]
    fn mail_greets_by_full_name_or_else_by_username() {
        let address = Address { email: EmailAddress::parse("ana@lab.cl").unwrap(), origin: AddressOrigin::Given };
        let (name, username) = (FullName::parse("Ana Soto").unwrap(), Username::parse("ana").unwrap());
        let greeted = |contact: Contact| contact.details.into_known().and_then(|details| details.display_name);
        assert_eq!(greeted(Contact::new(address.clone(), Some(&name), Some(&username))).as_deref(), Some("Ana Soto"));
        assert_eq!(greeted(Contact::new(address, None, Some(&username))).as_deref(), Some("ana"));
    }

    #[test]
    fn a_contact_is_not_printed() {
        let address = Address { email: EmailAddress::parse("ana@lab.cl").unwrap(), origin: AddressOrigin::Given };
        assert!(!format!("{address:?} {:?}", Contact::new(address.clone(), None, None)).contains("ana"));
    }
}
