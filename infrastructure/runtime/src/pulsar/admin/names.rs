//! Names of tenants, namespaces and topics, such as they may become part of an address.
use std::fmt;
use std::str::FromStr;

/// A name that Pulsar would not take, or that would mean something else in an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is no {kind} of Pulsar: a-z, A-Z, 0-9, '-', '_' and '.' are allowed")]
pub struct NameError {
    name: String,
    kind: &'static str,
}

/// A tenant's namespace, such as `historia/clinic`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Namespace {
    tenant: String,
    name: String,
}

impl Namespace {
    /// The namespace `name` of `tenant`.
    ///
    /// # Errors
    /// [`NameError`].
    pub fn new(tenant: &str, name: &str) -> Result<Self, NameError> {
        Ok(Self { tenant: checked(tenant)?.to_owned(), name: checked(name)?.to_owned() })
    }

    /// The tenant, such as `historia`.
    #[must_use]
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// The name within the tenant, such as `clinic`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The persistent topic `name` in this namespace.
    ///
    /// # Errors
    /// [`NameError`].
    pub fn topic(&self, name: &str) -> Result<TopicName, NameError> {
        Ok(TopicName { namespace: self.clone(), name: checked(name)?.to_owned() })
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tenant, self.name)
    }
}

impl FromStr for Namespace {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.split_once('/') {
            Some((tenant, name)) => Self::new(tenant, name),
            None => Err(NameError { name: text.to_owned(), kind: "tenant/namespace" }),
        }
    }
}

/// A persistent topic; shown as `persistent://historia/clinic/event-user`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicName {
    namespace: Namespace,
    name: String,
}

impl TopicName {
    /// The namespace.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// The name within the namespace, such as `event-user`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The topic of one partition, which clients treat as a topic of its own.
    #[must_use]
    pub fn partition(&self, number: u32) -> Self {
        Self { namespace: self.namespace.clone(), name: format!("{}-partition-{number}", self.name) }
    }

    /// `historia/clinic/event-user`, as it stands in an address.
    pub(super) fn path(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "persistent://{}", self.path())
    }
}

/// `name`, if it needs no escaping anywhere.
pub(super) fn checked(name: &str) -> Result<&str, NameError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    // "." and ".." would be another place in an address.
    if name.is_empty() || name.bytes().all(|byte| byte == b'.') || !name.bytes().all(allowed) {
        return Err(NameError { name: name.to_owned(), kind: "name" });
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_named_by_tenant_namespace_and_name() {
        let topic = "historia/clinic".parse::<Namespace>().unwrap().topic("event-user").unwrap();
        assert_eq!(topic.to_string(), "persistent://historia/clinic/event-user");
        assert_eq!(topic.partition(2).to_string(), "persistent://historia/clinic/event-user-partition-2");
    }

    #[test]
    fn a_name_that_would_lead_elsewhere_is_refused() {
        for name in ["", ".", "..", "a/b", "a?b", "a%2Fb", "a b", "ñ"] {
            assert!(Namespace::new("historia", name).is_err(), "{name:?}");
        }
        assert!("historia".parse::<Namespace>().is_err());
        assert!("historia/clinic/more".parse::<Namespace>().is_err());
    }
}
