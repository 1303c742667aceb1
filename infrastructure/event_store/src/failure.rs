//! What a database error means to a caller.
//!
//! Only the SQLSTATE and the constraint's name are told on: messages of PostgreSQL may quote values.
use domain_kernel::ports::StoreError;
use sqlx::Error;

/// A statement that was refused, or not heard: nothing happened.
#[must_use]
pub fn of_query(error: &Error) -> StoreError {
    match error {
        Error::ColumnDecode { .. }
        | Error::Decode(_)
        | Error::ColumnNotFound(_)
        | Error::ColumnIndexOutOfBounds { .. } => {
            StoreError::Damaged { reason: "a column does not hold what it should".into() }
        }
        other => StoreError::Unavailable { reason: describe(other) },
    }
}

/// A short account of `error` without any value.
pub(crate) fn describe(error: &Error) -> String {
    match error {
        Error::Database(database) => {
            let code = database.code().unwrap_or_default();
            database.constraint().map_or_else(|| format!("SQLSTATE {code}"), |name| format!("SQLSTATE {code}, {name}"))
        }
        Error::Io(io) => format!("connection: {}", io.kind()),
        Error::PoolTimedOut => "no free connection".into(),
        Error::PoolClosed => "the pool is closed".into(),
        Error::Tls(_) => "TLS".into(),
        Error::Protocol(_) => "the server's answer was not understood".into(),
        Error::Configuration(_) => "the connection's configuration".into(),
        _ => "the database driver failed".into(),
    }
}

/// What a failed append statement means for the appends in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AppendFailure {
    /// Another process took a key first (23505): rolled back; in halves the rest goes through.
    Raced,
    /// A deadlock or serialization failure (class 40): rolled back; the same again.
    Again,
    /// A value does not fit (class 22 or 23): rolled back; in halves the others go through.
    Poisoned,
    /// The server does not want to write at all (time-out, no space, read-only, no rights): rolled back.
    Refused,
    /// The connection is gone; the statement took effect, or it did not.
    Unknown,
}

/// Sorts a failed append statement.
pub(crate) fn of_append(error: &Error) -> AppendFailure {
    let Error::Database(database) = error else {
        return match error {
            // The arguments were never sent.
            Error::Encode(_) => AppendFailure::Poisoned,
            _ => AppendFailure::Unknown,
        };
    };
    match database.code().as_deref() {
        Some("23505") => AppendFailure::Raced,
        // The server was shutting down or lost its backend while the statement ran.
        Some("57P01" | "57P02" | "57P03") => AppendFailure::Unknown,
        Some(code) if code.starts_with("08") => AppendFailure::Unknown,
        Some(code) if code.starts_with("40") => AppendFailure::Again,
        Some(code) if code.starts_with("22") || code.starts_with("23") => AppendFailure::Poisoned,
        _ => AppendFailure::Refused,
    }
}
