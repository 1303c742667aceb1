//! A message's headers on a wire: CloudEvents attributes (1.0, binary mode) as `ce_*` properties, and `traceparent`.
//!
//! Properties are read by whoever can read the topic, so nothing but ids, numbers, moments and pinned names may stand in
//! one; what does not look like that is refused on the way in.
use chrono::{DateTime, SecondsFormat};
use domain_kernel::{MessageHeaders, Timestamp, Topic, Version};
use std::collections::BTreeMap;
use std::str::FromStr;
use uuid::Uuid;

/// Why properties are not a message's headers. Names the property, never its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// It must be there.
    #[error("property {0} is missing")]
    Missing(&'static str),
    /// It is there and is not what it should be.
    #[error("property {0} is malformed")]
    Malformed(&'static str),
}

/// The version of CloudEvents that the attributes follow.
const SPEC_VERSION: &str = "1.0";
/// What the payload is.
const CONTENT_TYPE: &str = "application/avro";

/// The headers as properties.
#[must_use]
pub fn to_properties(topic: Topic, headers: &MessageHeaders) -> BTreeMap<String, String> {
    let mut properties = BTreeMap::new();
    let mut put = |name: &str, value: String| properties.insert(name.to_owned(), value);
    put("content-type", CONTENT_TYPE.to_owned());
    put("ce_specversion", SPEC_VERSION.to_owned());
    put("ce_id", headers.event_id.to_string());
    put("ce_type", headers.event_type.clone());
    put("ce_source", headers.source.clone());
    put("ce_subject", headers.stream.to_string());
    put("ce_sequence", headers.version.to_string());
    put("ce_time", to_rfc3339(headers.occurred_at));
    put("ce_correlationid", headers.correlation_id.to_string());
    put("ce_dataschema", format!("{topic}/v{}", headers.contract_version));
    if let Some(id) = headers.causation_id {
        put("ce_causationid", id.to_string());
    }
    if let Some(actor) = headers.actor {
        put("ce_actorid", actor.to_string());
    }
    if !headers.expects.is_empty() {
        put("ce_expects", headers.expects.join(","));
    }
    if let Some(consumer) = &headers.consumer {
        put("ce_consumer", consumer.clone());
    }
    if let Some(attempt) = headers.attempt {
        put("ce_attempt", attempt.to_string());
    }
    if let Some(traceparent) = &headers.traceparent {
        put("traceparent", traceparent.clone());
    }
    properties
}

/// Reads the properties of a message of `topic`. Unknown properties are left alone.
///
/// # Errors
/// [`HeaderError`].
pub fn from_properties(topic: Topic, properties: &BTreeMap<String, String>) -> Result<MessageHeaders, HeaderError> {
    let properties = Properties(properties);
    if properties.required("ce_specversion")? != SPEC_VERSION {
        return Err(HeaderError::Malformed("ce_specversion"));
    }
    Ok(MessageHeaders {
        event_id: properties.id("ce_id")?.into(),
        event_type: properties.name("ce_type")?,
        source: properties.name("ce_source")?,
        stream: properties.id("ce_subject")?.into(),
        version: Version(properties.number("ce_sequence")?),
        occurred_at: from_rfc3339(properties.required("ce_time")?).ok_or(HeaderError::Malformed("ce_time"))?,
        correlation_id: properties.id("ce_correlationid")?.into(),
        causation_id: properties.optional("ce_causationid", Properties::id)?.map(Into::into),
        actor: properties.optional("ce_actorid", Properties::id)?.map(Into::into),
        contract_version: properties.contract_version(topic)?,
        expects: properties.names("ce_expects")?,
        consumer: properties.optional("ce_consumer", Properties::name)?,
        attempt: properties.optional("ce_attempt", Properties::number)?,
        traceparent: properties.optional("traceparent", Properties::traceparent)?,
    })
}

struct Properties<'a>(&'a BTreeMap<String, String>);

impl Properties<'_> {
    fn required(&self, property: &'static str) -> Result<&str, HeaderError> {
        self.0.get(property).map(String::as_str).ok_or(HeaderError::Missing(property))
    }

    fn optional<T>(
        &self,
        property: &'static str,
        read: impl Fn(&Self, &'static str) -> Result<T, HeaderError>,
    ) -> Result<Option<T>, HeaderError> {
        self.0.contains_key(property).then(|| read(self, property)).transpose()
    }

    fn number<T: FromStr>(&self, property: &'static str) -> Result<T, HeaderError> {
        self.required(property)?.parse().map_err(|_| HeaderError::Malformed(property))
    }

    fn id(&self, property: &'static str) -> Result<Uuid, HeaderError> {
        self.number(property)
    }

    fn name(&self, property: &'static str) -> Result<String, HeaderError> {
        let name = self.required(property)?;
        is_pinned_name(name).then(|| name.to_owned()).ok_or(HeaderError::Malformed(property))
    }

    fn names(&self, property: &'static str) -> Result<Vec<String>, HeaderError> {
        let Some(list) = self.0.get(property) else { return Ok(Vec::new()) };
        let name = |name: &str| is_pinned_name(name).then(|| name.to_owned()).ok_or(HeaderError::Malformed(property));
        list.split(',').map(name).collect()
    }

    fn contract_version(&self, topic: Topic) -> Result<u16, HeaderError> {
        let schema = self.required("ce_dataschema")?;
        let version = schema.strip_prefix(topic).and_then(|rest| rest.strip_prefix("/v"));
        version.and_then(|version| version.parse().ok()).ok_or(HeaderError::Malformed("ce_dataschema"))
    }

    /// `00-<32 hex>-<16 hex>-<2 hex>` (W3C Trace Context §3.2.2).
    fn traceparent(&self, property: &'static str) -> Result<String, HeaderError> {
        let text = self.required(property)?;
        let hexadecimal = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let lengths = text.split('-').map(str::len);
        let well_formed = lengths.eq([2, 32, 16, 2]) && text.split('-').all(hexadecimal);
        well_formed.then(|| text.to_owned()).ok_or(HeaderError::Malformed(property))
    }
}

/// Names of services, consumers and event types are constants of our code: short, lower case, nothing a person would
/// write.
fn is_pinned_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-'))
}

/// RFC 3339 with microseconds; a moment outside of chrono's years (±262,000) is written as the epoch.
fn to_rfc3339(at: Timestamp) -> String {
    DateTime::from_timestamp_micros(at.0).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn from_rfc3339(text: &str) -> Option<Timestamp> {
    DateTime::parse_from_rfc3339(text).ok().map(|moment| Timestamp(moment.timestamp_micros()))
}

#[cfg(test)]
mod tests;
