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

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::error::{DatabaseError, ErrorKind};
    use std::borrow::Cow;
    use std::fmt;

    /// What the server said: its code, and the constraint in question.
    #[derive(Debug)]
    struct Said(&'static str, Option<&'static str>);

    impl fmt::Display for Said {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Paciente de Prueba")
        }
    }

    impl std::error::Error for Said {}

    impl DatabaseError for Said {
        fn message(&self) -> &str {
            "Paciente de Prueba"
        }

        fn code(&self) -> Option<Cow<'_, str>> {
            Some(self.0.into())
        }

        fn constraint(&self) -> Option<&str> {
            self.1
        }

        fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
            self
        }

        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }
    }

    fn said(code: &'static str, constraint: Option<&'static str>) -> Error {
        Error::Database(Box::new(Said(code, constraint)))
    }

    #[test]
    fn a_failed_append_is_sorted_by_what_became_of_it() {
        for (code, expected) in [
            ("23505", AppendFailure::Raced),
            ("23503", AppendFailure::Poisoned),
            ("22003", AppendFailure::Poisoned),
            ("40001", AppendFailure::Again),
            ("40P01", AppendFailure::Again),
            ("08006", AppendFailure::Unknown),
            ("57P01", AppendFailure::Unknown),
            ("57P02", AppendFailure::Unknown),
            ("57P03", AppendFailure::Unknown),
            ("57014", AppendFailure::Refused),
            ("53100", AppendFailure::Refused),
            ("25006", AppendFailure::Refused),
        ] {
            assert_eq!(of_append(&said(code, None)), expected, "{code}");
        }
        assert_eq!(of_append(&Error::Encode("too long".into())), AppendFailure::Poisoned);
        assert_eq!(of_append(&Error::PoolTimedOut), AppendFailure::Unknown);
    }

    #[test]
    fn a_value_that_cannot_be_read_is_damage_and_everything_else_an_outage() {
        for damaged in [
            Error::Decode("x".into()),
            Error::ColumnNotFound("x".into()),
            Error::ColumnIndexOutOfBounds { index: 1, len: 1 },
            Error::ColumnDecode { index: "x".into(), source: "x".into() },
        ] {
            assert!(matches!(of_query(&damaged), StoreError::Damaged { .. }), "{damaged:?}");
        }
        let outage = |reason: &str| StoreError::Unavailable { reason: reason.to_owned() };
        assert_eq!(of_query(&Error::PoolTimedOut), outage("no free connection"));
        assert_eq!(of_query(&Error::PoolClosed), outage("the pool is closed"));
    }

    #[test]
    fn nothing_that_the_server_says_is_repeated_but_its_code_and_the_constraint() {
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        for (error, expected) in [
            (said("23505", Some("claim_pkey")), "SQLSTATE 23505, claim_pkey"),
            (said("57014", None), "SQLSTATE 57014"),
            (Error::Io(refused), "connection: connection refused"),
            (Error::Tls("x".into()), "TLS"),
            (Error::Protocol("x".into()), "the server's answer was not understood"),
            (Error::Configuration("x".into()), "the connection's configuration"),
            (Error::WorkerCrashed, "the database driver failed"),
        ] {
            assert_eq!(describe(&error), expected);
        }
    }
}
