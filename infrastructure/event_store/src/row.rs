//! Between columns and the kernel's types.
use chrono::{DateTime, Utc};
use domain_kernel::ports::StoreError;
use domain_kernel::{Checkpoint, Hash, Timestamp, Version};

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
