//! Namespaces: what they keep, which schemas they take, who may use them.
use super::call::parse;
use super::names::checked;
use super::{Admin, AdminError, Made, Namespace};
use hyper::Method;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a namespace demands of its topics' schemas and how long it keeps messages. What is `None` is left to the
/// broker's own setting.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Policies {
    /// Which changes of a schema are taken, such as `FULL_TRANSITIVE`; `UNDEFINED` leaves it to the broker.
    pub schema_compatibility: Option<String>,
    /// Whether a producer without a schema is refused.
    pub schema_validation_enforced: Option<bool>,
    /// Whether a producer may register a new schema by itself.
    pub schema_automatic_update: Option<bool>,
    /// How long messages stay after every subscription has acknowledged them.
    pub retention: Option<Retention>,
}

/// How long messages stay after every subscription has acknowledged them: until one of the limits is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// In minutes; -1 is for ever.
    #[serde(rename = "retentionTimeInMinutes")]
    pub minutes: i64,
    /// In mebibytes; -1 is without limit.
    #[serde(rename = "retentionSizeInMB")]
    pub mebibytes: i64,
}

/// What a role may do in a namespace or with a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Right {
    /// Send messages.
    Produce,
    /// Receive messages.
    Consume,
}

/// Who may do what: role to rights. Rights that we never grant (`functions`, `sources`…) are kept as their names.
pub type Rights = BTreeMap<String, BTreeSet<String>>;

impl Right {
    /// Its name, as in [`Rights`].
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Produce => "produce",
            Self::Consume => "consume",
        }
    }
}

impl Admin {
    /// The names of a tenant's namespaces, such as `historia/clinic`.
    ///
    /// # Errors
    /// [`AdminError`]; [`AdminError::Missing`] when there is no such tenant.
    pub async fn namespaces(&self, tenant: &str) -> Result<Vec<String>, AdminError> {
        self.get(&format!("namespaces/{}", checked(tenant)?)).await
    }

    /// Makes a namespace.
    ///
    /// # Errors
    /// [`AdminError`]; [`AdminError::Missing`] when there is no such tenant.
    pub async fn create_namespace(&self, namespace: &Namespace) -> Result<Made, AdminError> {
        self.make(&format!("namespaces/{namespace}"), Some(&serde_json::json!({}))).await
    }

    /// What the namespace demands and keeps.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn policies(&self, namespace: &Namespace) -> Result<Policies, AdminError> {
        let compatibility: String = self.get(&format!("namespaces/{namespace}/schemaCompatibilityStrategy")).await?;
        Ok(Policies {
            schema_compatibility: Some(compatibility),
            schema_validation_enforced: self
                .get_if_set(&format!("namespaces/{namespace}/schemaValidationEnforced"))
                .await?,
            schema_automatic_update: self
                .get_if_set(&format!("namespaces/{namespace}/isAllowAutoUpdateSchema"))
                .await?,
            retention: self.get_if_set(&format!("namespaces/{namespace}/retention")).await?,
        })
    }

    /// Sets what is given in `policies`; leaves the rest as it is.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn set_policies(&self, namespace: &Namespace, policies: &Policies) -> Result<(), AdminError> {
        let path = |policy: &str| format!("namespaces/{namespace}/{policy}");
        if let Some(strategy) = &policies.schema_compatibility {
            self.send(Method::PUT, &path("schemaCompatibilityStrategy"), Some(strategy)).await?;
        }
        if let Some(enforced) = &policies.schema_validation_enforced {
            self.post(&path("schemaValidationEnforced"), enforced).await?;
        }
        if let Some(allowed) = &policies.schema_automatic_update {
            self.post(&path("isAllowAutoUpdateSchema"), allowed).await?;
        }
        if let Some(retention) = &policies.retention {
            self.post(&path("retention"), retention).await?;
        }
        Ok(())
    }

    /// Who may do what in the whole namespace.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn namespace_rights(&self, namespace: &Namespace) -> Result<Rights, AdminError> {
        self.get(&format!("namespaces/{namespace}/permissions")).await
    }

    /// Lets `role` do exactly `rights` in the whole namespace.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn grant_in_namespace(
        &self,
        namespace: &Namespace,
        role: &str,
        rights: &[Right],
    ) -> Result<(), AdminError> {
        self.post(&format!("namespaces/{namespace}/permissions/{}", checked(role)?), &rights).await
    }

    /// A policy that answers with nothing while it is not set.
    async fn get_if_set<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<Option<T>, AdminError> {
        let answer = self.send::<()>(Method::GET, path, None).await?;
        if answer.is_empty() { Ok(None) } else { parse(&Method::GET, path, &answer) }
    }
}
