//! One thing that the broker has otherwise than it should.
use super::Wanted;
use infra_runtime::pulsar::admin::{Admin, AdminError, Policies, Right, TopicName};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;

/// A change to be made, or that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The tenant is missing.
    Tenant(String),
    /// The namespace is missing.
    Namespace(String),
    /// A rule of the namespace differs; `policies` has this one alone.
    Policy { name: &'static str, from: String, to: String, policies: Policies },
    /// A topic is missing.
    Topic { topic: TopicName, partitions: u32 },
    /// A contract's version, counted from 1, is not registered.
    Schema { topic: TopicName, version: usize, schema: &'static str },
    /// A role may do too much or too little; without a topic, in the whole namespace.
    Rights { topic: Option<TopicName>, role: &'static str, from: BTreeSet<String>, to: Vec<Right> },
}

/// A change, for programs.
#[derive(Serialize)]
pub(super) struct Told<'a> {
    kind: &'static str,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
    from: Option<String>,
    to: String,
}

impl Change {
    /// Makes the change.
    ///
    /// # Errors
    /// [`AdminError`].
    pub(super) async fn apply(&self, admin: &Admin, wanted: &Wanted) -> Result<(), AdminError> {
        match self {
            Self::Tenant(tenant) => admin.create_tenant(tenant, &[]).await.map(drop),
            Self::Namespace(_) => admin.create_namespace(&wanted.namespace).await.map(drop),
            Self::Policy { policies, .. } => admin.set_policies(&wanted.namespace, policies).await,
            Self::Topic { topic, partitions } => admin.create_topic(topic, *partitions).await.map(drop),
            Self::Schema { topic, schema, .. } => admin.register_schema(topic, schema).await.map(drop),
            Self::Rights { topic: Some(topic), role, to, .. } => admin.grant(topic, role, to).await,
            Self::Rights { topic: None, role, to, .. } => admin.grant_in_namespace(&wanted.namespace, role, to).await,
        }
    }

    pub(super) fn told(&self) -> Told<'_> {
        let told = |kind, name: &dyn fmt::Display, to: String| Told {
            kind,
            name: name.to_string(),
            role: None,
            from: None,
            to,
        };
        match self {
            Self::Tenant(name) => told("tenant", name, "present".to_owned()),
            Self::Namespace(name) => told("namespace", name, "present".to_owned()),
            Self::Policy { name, from, to, .. } => {
                Told { from: Some(from.clone()), ..told("policy", name, to.clone()) }
            }
            Self::Topic { topic, partitions } => told("topic", topic, format!("{partitions} partitions")),
            Self::Schema { topic, version, .. } => told("schema", topic, format!("version {version}")),
            Self::Rights { topic, role, from, to } => {
                let everywhere = "the whole namespace".to_owned();
                let name = topic.as_ref().map_or(everywhere, ToString::to_string);
                let from = from.iter().map(String::as_str).collect::<Vec<_>>().join("+");
                Told { role: Some(role), from: Some(from), ..told("rights", &name, names(to)) }
            }
        }
    }
}

fn names(rights: &[Right]) -> String {
    if rights.is_empty() {
        return "nothing".to_owned();
    }
    rights.iter().map(|right| right.name()).collect::<Vec<_>>().join("+")
}
