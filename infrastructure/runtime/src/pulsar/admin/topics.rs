//! Topics: making them, what goes on in them, who may use them.
use super::names::checked;
use super::namespaces::Rights;
use super::{Admin, AdminError, Made, Namespace, Right, TopicName};
use hyper::Method;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What goes on in a topic (over all its partitions).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TopicStats {
    /// Messages taken since the topic was loaded.
    pub msg_in_counter: u64,
    /// Messages given out since the topic was loaded.
    pub msg_out_counter: u64,
    /// What is kept, in bytes.
    pub storage_size: u64,
    /// By name.
    pub subscriptions: BTreeMap<String, SubscriptionStats>,
}

/// How far a subscription is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionStats {
    /// Messages that are not acknowledged yet.
    pub msg_backlog: u64,
    /// Of these, those that were given out.
    pub unacked_messages: u64,
    /// The connected consumers.
    #[serde(deserialize_with = "how_many")]
    pub consumers: usize,
}

impl Admin {
    /// The topics of a namespace that have no partitions, by their whole names; a partition is one of them.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn topics(&self, namespace: &Namespace) -> Result<Vec<String>, AdminError> {
        self.get(&format!("persistent/{namespace}")).await
    }

    /// The topics of a namespace that have partitions, by their whole names.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn partitioned_topics(&self, namespace: &Namespace) -> Result<Vec<String>, AdminError> {
        self.get(&format!("persistent/{namespace}/partitioned")).await
    }

    /// Makes a topic of `partitions` partitions; 0 makes one without.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn create_topic(&self, topic: &TopicName, partitions: u32) -> Result<Made, AdminError> {
        let path = topic.path();
        if partitions == 0 {
            return self.make::<()>(&format!("persistent/{path}"), None).await;
        }
        self.make(&format!("persistent/{path}/partitions"), Some(&partitions)).await
    }

    /// How many partitions a topic has; 0 when it has none, and also when there is no such topic.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn partitions(&self, topic: &TopicName) -> Result<u32, AdminError> {
        #[derive(Deserialize)]
        struct Metadata {
            partitions: u32,
        }
        match self.get::<Metadata>(&format!("persistent/{}/partitions", topic.path())).await {
            Ok(metadata) => Ok(metadata.partitions),
            Err(AdminError::Missing { .. }) => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// What goes on in a topic.
    ///
    /// # Errors
    /// [`AdminError`]; [`AdminError::Missing`] when there is no such topic.
    pub async fn stats(&self, topic: &TopicName) -> Result<TopicStats, AdminError> {
        let path = topic.path();
        if self.partitions(topic).await? == 0 {
            return self.get(&format!("persistent/{path}/stats")).await;
        }
        self.get(&format!("persistent/{path}/partitioned-stats?perPartition=false")).await
    }

    /// Makes the broker let go of a topic, as when another broker takes it over: producers and consumers are sent away
    /// and come back.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn unload_topic(&self, topic: &TopicName) -> Result<(), AdminError> {
        self.send::<()>(Method::PUT, &format!("persistent/{}/unload", topic.path()), None).await.map(|_| ())
    }

    /// Who may do what with a topic, what they may do in its whole namespace included.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn topic_rights(&self, topic: &TopicName) -> Result<Rights, AdminError> {
        self.get(&format!("persistent/{}/permissions", topic.path())).await
    }

    /// Lets `role` do exactly `rights` with a topic.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn grant(&self, topic: &TopicName, role: &str, rights: &[Right]) -> Result<(), AdminError> {
        self.post(&format!("persistent/{}/permissions/{}", topic.path(), checked(role)?), &rights).await
    }
}

fn how_many<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    Vec::<serde::de::IgnoredAny>::deserialize(deserializer).map(|consumers| consumers.len())
}
