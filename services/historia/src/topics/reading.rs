//! `topics list`, `stats` and `schemas`: what the broker has, and how that compares with what this release needs.
use super::Wanted;
use super::difference::is_registered;
use crate::cli::TopicsArgs;
use crate::failure::Failure;
use crate::output::{List, Output};
use infra_contracts::topic::{CONTRACTS, TopicContract};
use infra_runtime::pulsar::admin::{Admin, AdminError, TopicName};
use serde::Serialize;
use utoipa::ToSchema;

const TOPICS: List =
    List { name: "topics", id: "topic", columns: &["topic", "state", "partitions", "schemas", "contract_versions"] };
const SUBSCRIPTIONS: List = List {
    name: "subscriptions",
    id: "topic",
    columns: &["topic", "subscription", "backlog", "unacknowledged", "consumers", "stored_bytes"],
};
const SCHEMAS: List =
    List { name: "schemas", id: "topic", columns: &["topic", "version", "kind", "contract_version", "fields"] };

#[derive(Serialize, ToSchema)]
pub(crate) struct Topics {
    namespace: String,
    topics: Vec<ShownTopic>,
}

#[derive(Serialize, ToSchema)]
struct ShownTopic {
    topic: String,
    /// `present`, or `missing`: `historia topics ensure` makes it.
    state: &'static str,
    partitions: u32,
    /// How many schemas the registry has.
    schemas: usize,
    /// How many versions the contract of this release has.
    contract_versions: usize,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Stats {
    namespace: String,
    subscriptions: Vec<Subscription>,
}

/// A subscription of a topic; a topic without any has one line of its own.
#[derive(Serialize, ToSchema)]
struct Subscription {
    topic: String,
    subscription: Option<String>,
    /// Messages that are not acknowledged yet.
    backlog: u64,
    /// Of these, those that were given out.
    unacknowledged: u64,
    consumers: usize,
    /// What the topic keeps.
    stored_bytes: u64,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Schemas {
    namespace: String,
    schemas: Vec<ShownSchema>,
}

#[derive(Serialize, ToSchema)]
struct ShownSchema {
    topic: String,
    /// The registry's number, counted from 0.
    version: i64,
    kind: String,
    /// Which version of this release's contract it is, counted from 1; `null` for one that is none.
    contract_version: Option<usize>,
    /// The events that a message can hold, and the fields of its envelope.
    fields: Vec<String>,
}

/// Prints the topics that this release needs.
///
/// # Errors
/// The broker cannot be reached, or refuses.
pub(super) async fn list(arguments: &TopicsArgs) -> Result<(), Failure> {
    let (admin, wanted) = broker(arguments)?;
    let mut topics = Vec::new();
    for (contract, topic) in ours(&wanted)? {
        let registered = or_none(admin.schemas(&topic).await)?.map_or(0, |schemas| schemas.len());
        let is_there = or_none(admin.stats(&topic).await)?.is_some();
        topics.push(ShownTopic {
            topic: topic.to_string(),
            state: if is_there { "present" } else { "missing" },
            partitions: admin.partitions(&topic).await?,
            schemas: registered,
            contract_versions: contract.versions.len(),
        });
    }
    Output::new(arguments.output).list(&TOPICS, &Topics { namespace: wanted.namespace.to_string(), topics })
}

/// Prints what goes on in them.
///
/// # Errors
/// The broker cannot be reached, or refuses.
pub(super) async fn stats(arguments: &TopicsArgs) -> Result<(), Failure> {
    let (admin, wanted) = broker(arguments)?;
    let mut subscriptions = Vec::new();
    for (_, topic) in ours(&wanted)? {
        let Some(stats) = or_none(admin.stats(&topic).await)? else { continue };
        let name = topic.to_string();
        let empty = Subscription {
            topic: name,
            subscription: None,
            backlog: 0,
            unacknowledged: 0,
            consumers: 0,
            stored_bytes: stats.storage_size,
        };
        if stats.subscriptions.is_empty() {
            subscriptions.push(empty);
            continue;
        }
        subscriptions.extend(stats.subscriptions.into_iter().map(|(subscription, stats)| Subscription {
            topic: empty.topic.clone(),
            subscription: Some(subscription),
            backlog: stats.msg_backlog,
            unacknowledged: stats.unacked_messages,
            consumers: stats.consumers,
            stored_bytes: empty.stored_bytes,
        }));
    }
    let stats = Stats { namespace: wanted.namespace.to_string(), subscriptions };
    Output::new(arguments.output).list(&SUBSCRIPTIONS, &stats)
}

/// Prints the schemas that the registry has for them.
///
/// # Errors
/// The broker cannot be reached, or refuses.
pub(super) async fn schemas(arguments: &TopicsArgs) -> Result<(), Failure> {
    let (admin, wanted) = broker(arguments)?;
    let mut schemas = Vec::new();
    for (contract, topic) in ours(&wanted)? {
        for registered in or_none(admin.schemas(&topic).await)?.unwrap_or_default() {
            let one = std::slice::from_ref(&registered);
            let version = contract.versions.iter().position(|schema| is_registered(one, schema));
            schemas.push(ShownSchema {
                topic: topic.to_string(),
                version: registered.version,
                kind: registered.kind.clone(),
                contract_version: version.map(|index| index + 1),
                fields: fields(&registered.data),
            });
        }
    }
    Output::new(arguments.output).list(&SCHEMAS, &Schemas { namespace: wanted.namespace.to_string(), schemas })
}

fn broker(arguments: &TopicsArgs) -> Result<(Admin, Wanted), Failure> {
    let admin = super::admin(&arguments.broker_admin, &arguments.place)?;
    Ok((admin, Wanted::new(&arguments.place, 1, false)?))
}

/// The topics of this release, whether the broker has them or not.
fn ours(wanted: &Wanted) -> Result<Vec<(&'static TopicContract, TopicName)>, Failure> {
    CONTRACTS.iter().map(|contract| Ok((contract, wanted.namespace.topic(contract.topic)?))).collect()
}

/// What is not there is none.
fn or_none<T>(asked: Result<T, AdminError>) -> Result<Option<T>, AdminError> {
    match asked {
        Ok(found) => Ok(Some(found)),
        Err(AdminError::Missing { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The names of a record's fields; none of what is no Avro record.
fn fields(schema: &str) -> Vec<String> {
    let schema: serde_json::Value = serde_json::from_str(schema).unwrap_or_default();
    let fields = schema.get("fields").and_then(serde_json::Value::as_array).into_iter().flatten();
    fields.filter_map(|field| Some(field.get("name")?.as_str()?.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::fields;

    #[test]
    fn a_schema_is_shown_by_the_names_of_its_fields() {
        let schema =
            r#"{"type":"record","name":"A","fields":[{"name":"event_id","type":"string"},{"name":"b","type":"int"}]}"#;
        assert_eq!(fields(schema), ["event_id", "b"]);
        assert_eq!(fields("\"string\""), Vec::<String>::new());
        assert_eq!(fields("no JSON"), Vec::<String>::new());
    }
}
