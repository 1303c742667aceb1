//! The topics' contracts: which versions there are.
use crate::record::{MOST_VERSIONS, Versions};
use crate::{ContractError, LearnError, event_notification, event_result, event_user, saga_command, saga_step};
use domain_kernel::Topic;
use domain_kernel::message::topics;
use std::sync::LazyLock;

/// One topic's contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicContract {
    /// Which topic.
    pub topic: Topic,
    /// The Avro schemas of its record, version 1 first; the last is what is written.
    pub versions: &'static [&'static str],
}

/// Every topic's contract.
pub static CONTRACTS: &[TopicContract] = &[
    TopicContract { topic: topics::EVENT_USER, versions: event_user::SCHEMAS },
    TopicContract { topic: topics::EVENT_RESULT, versions: event_result::SCHEMAS },
    TopicContract { topic: topics::EVENT_NOTIFICATION, versions: event_notification::SCHEMAS },
    TopicContract { topic: topics::SAGA_STEP, versions: saga_step::SCHEMAS },
    TopicContract { topic: topics::SAGA_COMMAND, versions: saga_command::SCHEMAS },
];

/// The contract of a topic.
#[must_use]
pub fn find(topic: &str) -> Option<&'static TopicContract> {
    CONTRACTS.iter().find(|contract| contract.topic == topic)
}

/// The contract version that is written now; 0 for a topic without contract.
#[must_use]
pub fn current(topic: &str) -> u16 {
    find(topic).map_or(0, |contract| u16::try_from(contract.versions.len()).unwrap_or(u16::MAX))
}

static PARSED: LazyLock<Vec<(Topic, Versions)>> =
    LazyLock::new(|| CONTRACTS.iter().map(|contract| (contract.topic, Versions::parse(contract.versions))).collect());

/// Takes a version of a topic's contract that this binary does not have, as the topic's registry published it: from now
/// on what a newer producer wrote is read, without what this binary does not know. Does nothing for a version that is
/// known already.
///
/// # Errors
/// [`LearnError`]; nothing is taken that does not read, and is not read by, every version of this binary.
pub fn learn(topic: &str, version: u16, schema: &str) -> Result<(), LearnError> {
    let (_, versions) = PARSED.iter().find(|(of, _)| *of == topic).ok_or(LearnError::NoTopic)?;
    versions.learn(version, schema)
}

/// Whether what was written with that contract version of `topic` can be read: this binary brought it, or learned it.
#[must_use]
pub fn is_known(topic: &str, contract_version: u16) -> bool {
    PARSED.iter().any(|(of, versions)| *of == topic && versions.find(contract_version).is_ok())
}

/// Whether [`learn`] would look at that version at all: it is not known yet, and a topic may have so many.
#[must_use]
pub fn may_be_learned(topic: &str, contract_version: u16) -> bool {
    (1..=MOST_VERSIONS).contains(&contract_version) && !is_known(topic, contract_version)
}

/// Whether two texts are the same schema, however they are laid out.
#[must_use]
pub fn is_same_schema(one: &str, other: &str) -> bool {
    let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    one == other || parsed(one).is_some_and(|one| Some(one) == parsed(other))
}

/// Whether `payload` is a record of `topic`, written with that contract version; looks at its shape only.
///
/// # Errors
/// [`ContractError`]; a topic without contract has no version.
pub fn check(topic: &str, contract_version: u16, payload: &[u8]) -> Result<(), ContractError> {
    let unknown = ContractError::UnknownVersion { version: contract_version };
    let (_, versions) = PARSED.iter().find(|(of, _)| *of == topic).ok_or(unknown)?;
    Ok(versions.find(contract_version)?.check(payload)?)
}
