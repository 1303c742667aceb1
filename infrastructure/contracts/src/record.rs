//! The shape that all topics' records have: the envelope's fields, then one nullable field per event, exactly one set.
//!
//! In Rust the "exactly one" is an enum; on the wire it is checked when a message is read.
use crate::avro::{AvroError, AvroSchema, Incompatibility, mutual_compatibility};
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

/// Why a message's payload and its record did not turn into each other. Never right later.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContractError {
    /// The bytes or the value do not fit the topic's schema.
    #[error(transparent)]
    Avro(#[from] AvroError),
    /// No event that this binary knows is set: a newer producer's.
    #[error("no known event is set")]
    NoEvent,
    /// More than one event is set.
    #[error("more than one event is set")]
    SeveralEvents,
    /// A stream's version is none.
    #[error("the version is not a number from 1 to 4294967295")]
    Version,
    /// Written with a contract version that this binary does not have.
    #[error("contract version {version} is not known")]
    UnknownVersion {
        /// As the message says.
        version: u16,
    },
}

/// Why a version that somebody else published is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LearnError {
    /// There is no such topic.
    #[error("no such topic")]
    NoTopic,
    /// Version 0, or more versions than any topic has.
    #[error("contract version {version} is none")]
    Version {
        /// As it was told.
        version: u16,
    },
    /// The text is no schema.
    #[error(transparent)]
    Schema(#[from] AvroError),
    /// It and a version that this binary has do not read each other.
    #[error(transparent)]
    Incompatible(#[from] Incompatibility),
}

/// No topic ever has more versions: what is learned is kept as long as the process.
pub(crate) const MOST_VERSIONS: u16 = 256;

/// Versions that are newer than this binary, by record and number. All topics' records have different names.
static LEARNED: RwLock<BTreeMap<(String, u16), &'static AvroSchema>> = RwLock::new(BTreeMap::new());

/// The versions of one topic's contract, parsed.
pub(crate) struct Versions(Vec<AvroSchema>);

impl Versions {
    /// From now on what was written with a newer version is read: as this binary's own newest version sees it. Does
    /// nothing for a version that is known.
    pub(crate) fn learn(&self, version: u16, json: &str) -> Result<(), LearnError> {
        if version == 0 || version > MOST_VERSIONS {
            return Err(LearnError::Version { version });
        }
        if self.find(version).is_ok() {
            return Ok(());
        }
        let schema = AvroSchema::parse(json)?;
        self.0.iter().try_for_each(|own| mutual_compatibility(&schema, own))?;
        let key = (self.current().name(), version);
        let mut learned = LEARNED.write().unwrap_or_else(PoisonError::into_inner);
        learned.entry(key).or_insert_with(|| Box::leak(Box::new(schema)));
        Ok(())
    }

    #[expect(clippy::expect_used, reason = "the schemas are constants of this crate; every test parses them")]
    pub(crate) fn parse(texts: &[&str]) -> Self {
        Self(texts.iter().map(|text| AvroSchema::parse(text).expect("a contract's schema parses")).collect())
    }

    /// What is written now.
    #[expect(clippy::expect_used, reason = "every topic has a first version")]
    pub(crate) fn current(&self) -> &AvroSchema {
        self.0.last().expect("a topic has a contract")
    }

    /// What a message of that contract version was written with.
    pub(crate) fn find(&self, version: u16) -> Result<&AvroSchema, ContractError> {
        let unknown = ContractError::UnknownVersion { version };
        let index = usize::from(version).checked_sub(1).ok_or(unknown.clone())?;
        if let Some(own) = self.0.get(index) {
            return Ok(own);
        }
        let learned = LEARNED.read().unwrap_or_else(PoisonError::into_inner);
        learned.get(&(self.current().name(), version)).copied().ok_or(unknown)
    }
}

/// Makes one topic's record, its enum of events, and the functions that write and read it.
macro_rules! topic_record {
    (
        schemas: [$($schema:literal),+],
        avro: $avro:literal,
        $(#[$record_doc:meta])* record: $record:ident,
        $(#[$event_doc:meta])* event: $event:ident { $($(#[$variant_doc:meta])* $variant:ident => $field:ident),+ $(,)? }
    ) => {
        /// The Avro schemas of this topic, version 1 first.
        pub const SCHEMAS: &[&str] = &[$(include_str!(concat!("../../../schemas/contracts/", $schema))),+];

        static VERSIONS: std::sync::LazyLock<crate::record::Versions> =
            std::sync::LazyLock::new(|| crate::record::Versions::parse(SCHEMAS));

        $(#[$event_doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $event {
            $($(#[$variant_doc])* $variant($variant)),+
        }

        impl $event {
            /// The names of the record's nullable fields, one per event.
            pub const FIELDS: &'static [&'static str] = &[$(stringify!($field)),+];

            /// The field of the record that holds this event; the event's type without the context.
            #[must_use]
            pub fn field(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => stringify!($field)),+
                }
            }
        }

        $(impl From<$variant> for $event {
            fn from(event: $variant) -> Self {
                Self::$variant(event)
            }
        })+

        $(#[$record_doc])*
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "Wire", into = "Wire")]
        pub struct $record {
            /// Which event, where, when and as part of what.
            pub envelope: crate::Envelope,
            /// What happened.
            pub event: $event,
        }

        #[derive(serde::Serialize, serde::Deserialize)]
        #[serde(rename = $avro)]
        struct Wire {
            event_id: uuid::Uuid,
            stream_id: uuid::Uuid,
            version: i64,
            occurred_at: i64,
            correlation_id: uuid::Uuid,
            causation_id: Option<uuid::Uuid>,
            $($field: Option<$variant>),+
        }

        impl From<$record> for Wire {
            fn from(record: $record) -> Self {
                let envelope = record.envelope;
                let mut wire = Self {
                    event_id: envelope.event_id.0,
                    stream_id: envelope.stream_id.0,
                    version: envelope.version.0.into(),
                    occurred_at: envelope.occurred_at.0,
                    correlation_id: envelope.correlation_id.0,
                    causation_id: envelope.causation_id.map(|id| id.0),
                    $($field: None),+
                };
                match record.event {
                    $($event::$variant(event) => wire.$field = Some(event)),+
                }
                wire
            }
        }

        impl TryFrom<Wire> for $record {
            type Error = crate::ContractError;

            fn try_from(wire: Wire) -> Result<Self, crate::ContractError> {
                let mut events = [$(wire.$field.map($event::$variant)),+].into_iter().flatten();
                let event = events.next().ok_or(crate::ContractError::NoEvent)?;
                if events.next().is_some() {
                    return Err(crate::ContractError::SeveralEvents);
                }
                let version = u32::try_from(wire.version).ok().filter(|version| *version > 0);
                let envelope = crate::Envelope {
                    event_id: wire.event_id.into(),
                    stream_id: wire.stream_id.into(),
                    version: domain_kernel::Version(version.ok_or(crate::ContractError::Version)?),
                    occurred_at: domain_kernel::Timestamp(wire.occurred_at),
                    correlation_id: wire.correlation_id.into(),
                    causation_id: wire.causation_id.map(Into::into),
                };
                Ok(Self { envelope, event })
            }
        }

        /// Writes `record` with the newest contract version.
        ///
        /// # Errors
        /// [`crate::ContractError::Avro`] when a field does not fit; the error names it.
        pub fn encode(record: &$record) -> Result<Vec<u8>, crate::ContractError> {
            Ok(VERSIONS.current().encode(&Wire::from(record.clone()))?)
        }

        /// Reads a payload that was written with `contract_version`.
        ///
        /// # Errors
        /// [`crate::ContractError`]; [`crate::ContractError::NoEvent`] when a newer producer set an event that this
        /// binary does not know.
        pub fn decode(contract_version: u16, bytes: &[u8]) -> Result<$record, crate::ContractError> {
            let wire: Wire = VERSIONS.current().decode(VERSIONS.find(contract_version)?, bytes)?;
            wire.try_into()
        }
    };
}

pub(crate) use topic_record;
