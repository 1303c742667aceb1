//! Why an admin call did not do what was asked.
use super::names::NameError;
use crate::outgoing::TrustError;

/// Why an admin call did not do what was asked. `what` is the call, such as `PUT tenants/historia`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdminError {
    /// The address is none that can be used.
    #[error("{url} is not an address such as http://127.0.0.1:8088 or https://pulsar:8443")]
    Address {
        /// What was given.
        url: String,
    },
    /// The broker's certificate cannot be checked.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// A name that Pulsar would not take.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The broker cannot be reached, or closed the connection. The call may have taken effect.
    #[error("Pulsar cannot be reached at {address} ({reason})")]
    Unreachable {
        /// Host and port.
        address: String,
        /// The transport's reason.
        reason: String,
    },
    /// No whole answer in time. The call may have taken effect.
    #[error("Pulsar did not answer `{what}` in time")]
    Timeout {
        /// The call.
        what: String,
    },
    /// The token is missing, not valid, or has not the right.
    #[error("Pulsar does not let us do `{what}` (status {status}): {reason}")]
    Denied {
        /// The call.
        what: String,
        /// 401 or 403.
        status: u16,
        /// What the broker said.
        reason: String,
    },
    /// What the call is about is not there.
    #[error("Pulsar does not know what `{what}` is about: {reason}")]
    Missing {
        /// The call.
        what: String,
        /// What the broker said.
        reason: String,
    },
    /// It is there already, or is in the way.
    #[error("`{what}` meets what is there already: {reason}")]
    Conflict {
        /// The call.
        what: String,
        /// What the broker said.
        reason: String,
    },
    /// The schema does not fit with the ones that are registered.
    #[error("the schema registry refuses the schema of {topic}: {reason}")]
    IncompatibleSchema {
        /// The topic.
        topic: String,
        /// What the registry said, which names the field.
        reason: String,
    },
    /// The broker cannot do it now: it starts, stops, or hands the topic over. The same call may work in a moment.
    #[error("Pulsar cannot do `{what}` now: {reason}")]
    NotNow {
        /// The call.
        what: String,
        /// What the broker said.
        reason: String,
    },
    /// Any other refusal.
    #[error("Pulsar refuses `{what}` (status {status}): {reason}")]
    Refused {
        /// The call.
        what: String,
        /// The HTTP status.
        status: u16,
        /// What the broker said.
        reason: String,
    },
    /// The answer is not what the interface promises.
    #[error("Pulsar's answer to `{what}` cannot be read: {reason}")]
    Answer {
        /// The call.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl AdminError {
    /// Whether the same call may work in a moment, with nothing else changed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Timeout { .. } | Self::NotNow { .. })
    }
}
