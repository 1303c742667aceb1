//! What a part of a log is as messages, and the code that stands for exactly these.
use crate::platform;
use domain_kernel::ports::{MessageSource, SourceError, SourcedMessage};
use domain_kernel::{Checkpoint, Message, StreamId, Topic};
use infra_event_store::part::Part;
use infra_messaging::pulsar::PulsarOptions;
use infra_messaging::republish;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashSet};
use utoipa::ToSchema;

/// How many hexadecimal digits of the digest a code has: enough that another part never has it by chance.
const DIGITS: usize = 16;

/// What is, or would be, published again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Republication {
    service: &'static str,
    topic: &'static str,
    /// The positions of the first and the last message; null where there is none.
    from: Option<i64>,
    to: Option<i64>,
    /// How many messages.
    messages: u64,
    /// Of how many streams.
    streams: usize,
    /// How many of each type.
    types: Vec<MessagesOfType>,
    /// Who reads the topic, and so gets them once more.
    consumers: Vec<SeeingConsumer>,
    /// Whether they were sent; false: this says what would be.
    published: bool,
    /// Stands for exactly these messages, this topic and this broker: `--confirm` takes it.
    pub(super) confirm: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
struct MessagesOfType {
    #[serde(rename = "type")]
    event_type: String,
    messages: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
struct SeeingConsumer {
    consumer: &'static str,
    /// How many of the messages it owed an answer to. It does not give it a second time.
    owes: u64,
}

/// [`Republication`], with the places that it needs.
pub(super) struct Outline {
    pub(super) republication: Republication,
    /// The place before the first message, and that of the last; `None` where there is none.
    pub(super) between: Option<(Checkpoint, Checkpoint)>,
}

impl Republication {
    /// The code that has to be confirmed; `None` once it was done, or where there is nothing to do.
    pub(super) fn to_confirm(&self) -> Option<&str> {
        (!self.published && self.messages > 0).then_some(self.confirm.as_str())
    }

    /// The same, done.
    pub(super) fn published(self) -> Self {
        Self { published: true, ..self }
    }
}

impl Outline {
    /// Reads `part` of what `service` tells on `topic`.
    pub(super) async fn of(
        source: &dyn MessageSource,
        part: &Part,
        service: &'static str,
        broker: &PulsarOptions,
        topic: Topic,
    ) -> Result<Self, SourceError> {
        let mut reading = Reading::new(service, broker, topic);
        republish::read(source, part, |entry| reading.see(&entry)).await?;
        Ok(reading.outline(service, topic))
    }

    /// For the record: which messages, by codes and numbers.
    pub(super) fn which(&self) -> String {
        let Republication { service, topic, messages, from, to, confirm, .. } = &self.republication;
        let (from, to) = (from.unwrap_or_default(), to.unwrap_or_default());
        format!("{service} {topic} positions {from} to {to}, {messages} messages, {confirm}")
    }
}

struct Reading {
    digest: Sha256,
    between: Option<(Checkpoint, Checkpoint)>,
    first: Option<i64>,
    messages: u64,
    streams: HashSet<StreamId>,
    types: BTreeMap<String, u64>,
    owes: BTreeMap<String, u64>,
}

impl Reading {
    fn new(service: &str, broker: &PulsarOptions, topic: Topic) -> Self {
        let mut digest = Sha256::new();
        for text in [service, topic, &broker.service_url, &broker.tenant, &broker.namespace] {
            part(&mut digest, text.as_bytes());
        }
        let (types, owes) = (BTreeMap::new(), BTreeMap::new());
        Self { digest, between: None, first: None, messages: 0, streams: HashSet::new(), types, owes }
    }

    fn see(&mut self, SourcedMessage { checkpoint, message }: &SourcedMessage) {
        let Some(Message { headers, payload, .. }) = message else { return };
        let before = Checkpoint { position: checkpoint.position - 1, ..*checkpoint };
        let (after, _) = *self.between.get_or_insert((before, before));
        self.between = Some((after, *checkpoint));
        self.first.get_or_insert(checkpoint.position);
        self.messages += 1;
        self.streams.insert(headers.stream);
        *self.types.entry(headers.event_type.clone()).or_default() += 1;
        for consumer in &headers.expects {
            *self.owes.entry(consumer.clone()).or_default() += 1;
        }
        part(&mut self.digest, headers.event_id.0.as_bytes());
        part(&mut self.digest, headers.stream.0.as_bytes());
        part(&mut self.digest, &headers.version.0.to_be_bytes());
        part(&mut self.digest, &headers.contract_version.to_be_bytes());
        part(&mut self.digest, payload);
    }

    fn outline(self, service: &'static str, topic: Topic) -> Outline {
        let consumers = platform::services().into_iter().filter(|reader| reader.reads.contains(&topic));
        let consumers = consumers.map(|reader| SeeingConsumer {
            consumer: reader.name,
            owes: self.owes.get(reader.name).copied().unwrap_or_default(),
        });
        let digest: String = self.digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let types = self.types.into_iter().map(|(event_type, messages)| MessagesOfType { event_type, messages });
        let republication = Republication {
            service,
            topic,
            from: self.first,
            to: self.between.map(|(_, last)| last.position),
            messages: self.messages,
            streams: self.streams.len(),
            types: types.collect(),
            consumers: consumers.collect(),
            published: false,
            confirm: format!("{}-{}", self.messages, &digest[..DIGITS]),
        };
        Outline { republication, between: self.between }
    }
}

/// With its length before it, so that no two lists of parts have the same bytes.
fn part(digest: &mut Sha256, bytes: &[u8]) {
    digest.update((bytes.len() as u64).to_be_bytes());
    digest.update(bytes);
}
