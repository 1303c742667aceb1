//! From what lies in a topic to a message; what is no service's message is told apart here.
//!
//! A service writes one message per entry, uncompressed, with all headers, under its stream's key, and a payload that
//! was checked against the contract ([`crate::LogSource`]). Whatever is not so was written by somebody else.
use ::pulsar::Payload;
use domain_kernel::Message;
use infra_contracts::topic::{self, TopicContract};
use infra_contracts::{ContractError, headers};
use std::collections::BTreeMap;

/// Why an entry is no service's message; a pinned word for the metric.
pub(super) type Foreign = &'static str;

/// The message in `payload`, if a service wrote it.
pub(super) fn message(contract: &TopicContract, payload: &Payload) -> Result<Message, Foreign> {
    let metadata = &payload.metadata;
    if metadata.num_messages_in_batch.is_some() {
        return Err("batched");
    }
    let properties: BTreeMap<String, String> =
        metadata.properties.iter().map(|property| (property.key.clone(), property.value.clone())).collect();
    let headers = headers::from_properties(contract.topic, &properties).map_err(|_| "headers")?;
    if metadata.partition_key.as_deref() != Some(headers.stream.to_string().as_str()) {
        // Its order with the stream's other messages would be anybody's guess.
        return Err("key");
    }
    match topic::check(contract.topic, headers.contract_version, &payload.data) {
        // A version that is newer than this release is the consumer's to deal with.
        Ok(()) | Err(ContractError::UnknownVersion { .. }) => {}
        Err(_) => return Err("payload"),
    }
    Ok(Message { topic: contract.topic, headers, payload: payload.data.clone() })
}
