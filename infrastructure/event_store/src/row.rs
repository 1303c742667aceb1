//! Between rows and the kernel's types. Queries that read events name their columns in one order, [`recorded`]'s.
use crate::{failure, metadata};
use chrono::{DateTime, Utc};
use domain_kernel::ports::StoreError;
use domain_kernel::{Checkpoint, EventTypeId, Hash, RecordedEvent, SchemaVersion, StreamId, Timestamp, Version};
use sqlx::Row;
use sqlx::postgres::PgRow;

/// The event of a row `epoch, tx, position, stream_id, version, type_id, schema_version, at, meta, payload, hash`.
pub(crate) fn recorded(row: &PgRow) -> Result<RecordedEvent, StoreError> {
    let raw = raw(row)?;
    let metadata = metadata::decode(&raw.meta, raw.occurred_at)
        .ok_or_else(|| damaged(format!("the metadata of {} version {}", raw.stream, raw.version)))?;
    Ok(RecordedEvent {
        checkpoint: raw.checkpoint,
        stream: raw.stream,
        version: raw.version,
        type_id: raw.type_id,
        schema_version: raw.schema_version,
        metadata,
        payload: raw.payload,
        hash: raw.hash,
    })
}

/// An event as its columns say, the metadata not yet read: what the hash chain is about.
#[derive(Debug)]
pub(crate) struct RawEvent {
    pub(crate) checkpoint: Checkpoint,
    pub(crate) stream: StreamId,
    pub(crate) version: Version,
    pub(crate) type_id: EventTypeId,
    pub(crate) schema_version: SchemaVersion,
    pub(crate) occurred_at: Timestamp,
    pub(crate) meta: Vec<u8>,
    pub(crate) payload: Vec<u8>,
    pub(crate) hash: Hash,
}

/// The columns of [`recorded`], as they are.
pub(crate) fn raw(row: &PgRow) -> Result<RawEvent, StoreError> {
    let of_query = |error: sqlx::Error| failure::of_query(&error);
    let stream = StreamId(row.try_get(3).map_err(of_query)?);
    Ok(RawEvent {
        checkpoint: checkpoint((
            row.try_get(0).map_err(of_query)?,
            row.try_get(1).map_err(of_query)?,
            row.try_get(2).map_err(of_query)?,
        ))?,
        stream,
        version: version(row.try_get(4).map_err(of_query)?)?,
        type_id: EventTypeId(row.try_get(5).map_err(of_query)?),
        schema_version: SchemaVersion(row.try_get(6).map_err(of_query)?),
        occurred_at: Timestamp(row.try_get::<DateTime<Utc>, _>(7).map_err(of_query)?.timestamp_micros()),
        meta: row.try_get(8).map_err(of_query)?,
        payload: row.try_get(9).map_err(of_query)?,
        hash: hash(row.try_get(10).map_err(of_query)?)?,
    })
}

/// A place in the global order from its three columns.
pub(crate) fn checkpoint((epoch, tx, position): (i16, i64, i64)) -> Result<Checkpoint, StoreError> {
    let tx = u64::try_from(tx).map_err(|_| damaged("a transaction id is negative"))?;
    Ok(Checkpoint { epoch, tx, position })
}

/// A transaction id as a statement's parameter: the driver has no type for `xid8`.
pub(crate) fn tx_parameter(tx: u64) -> Result<i64, StoreError> {
    i64::try_from(tx).map_err(|_| StoreError::Malformed { reason: "a transaction id is out of range".into() })
}

/// A stream's version from its column.
pub(crate) fn version(number: i32) -> Result<Version, StoreError> {
    u32::try_from(number).map(Version).map_err(|_| damaged("a version is negative"))
}

/// A version as a statement's parameter.
pub(crate) fn version_parameter(version: Version) -> Result<i32, StoreError> {
    i32::try_from(version.0).map_err(|_| StoreError::Malformed { reason: "a version is out of range".into() })
}

/// A digest from its column.
pub(crate) fn hash(bytes: Vec<u8>) -> Result<Hash, StoreError> {
    bytes.try_into().map_err(|_| damaged("a digest does not have 32 bytes"))
}

/// A moment as a statement's parameter.
pub(crate) fn moment_parameter(at: Timestamp) -> Result<DateTime<Utc>, StoreError> {
    DateTime::from_timestamp_micros(at.0)
        .ok_or_else(|| StoreError::Malformed { reason: "a moment is out of range".into() })
}

/// What is stored is not what was written.
pub(crate) fn damaged(reason: impl Into<String>) -> StoreError {
    StoreError::Damaged { reason: reason.into() }
}
