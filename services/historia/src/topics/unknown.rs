//! Schemas that the registry has and this release has not: a newer release's, or somebody's who may produce and reached the
//! admin interface.
use super::Wanted;
use super::difference::is_registered;
use infra_contracts::topic::CONTRACTS;
use infra_runtime::pulsar::admin::{Admin, AdminError};
use serde::Serialize;
use std::fmt;

/// A schema that the registry has and this release has not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct UnknownSchema {
    topic: String,
    /// The registry's number, counted from 0.
    version: i64,
}

impl fmt::Display for UnknownSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topic, version } = self;
        write!(f, "unknown    {topic}: schema {version} of the registry is no contract of this release")
    }
}

/// The schemas of our topics that are no contract of this release.
///
/// # Errors
/// [`AdminError`].
pub(super) async fn schemas(admin: &Admin, wanted: &Wanted) -> Result<Vec<UnknownSchema>, AdminError> {
    let mut unknown = Vec::new();
    for contract in CONTRACTS {
        let topic = wanted.namespace.topic(contract.topic)?;
        for registered in admin.schemas(&topic).await? {
            if !contract.versions.iter().any(|schema| is_registered(std::slice::from_ref(&registered), schema)) {
                unknown.push(UnknownSchema { topic: topic.to_string(), version: registered.version });
            }
        }
    }
    Ok(unknown)
}
