//! Who may produce and consume what: one table, from which the broker's rights follow in production.
use domain_kernel::Topic;
use domain_kernel::message::topics::{EVENT_NOTIFICATION, EVENT_RESULT, EVENT_USER, SAGA_COMMAND, SAGA_STEP};

/// The role that may do everything: migrations of the broker, `topics ensure`.
pub(crate) const OPERATOR: &str = "historia-operator";
/// The role in which the broker talks to itself.
pub(crate) const BROKER: &str = "historia-broker";

/// What one service may do.
pub(crate) struct ServiceRights {
    pub service: &'static str,
    /// The role in its token.
    pub role: &'static str,
    pub produces: &'static [Topic],
    pub consumes: &'static [Topic],
}

/// Every service that uses the broker. Whoever consumes anything hears commands too: a retry may name it.
pub(crate) static RIGHTS: [ServiceRights; 4] = [
    ServiceRights { service: service_users::NAME, role: "historia-users", produces: &[EVENT_USER], consumes: &[] },
    ServiceRights {
        service: service_results::NAME,
        role: "historia-results",
        produces: &[EVENT_RESULT, SAGA_STEP],
        consumes: &[EVENT_NOTIFICATION, SAGA_COMMAND],
    },
    ServiceRights {
        service: service_notifications::NAME,
        role: "historia-notifications",
        produces: &[EVENT_NOTIFICATION, SAGA_STEP],
        consumes: &[EVENT_USER, EVENT_RESULT, SAGA_COMMAND],
    },
    ServiceRights {
        service: service_saga_log::NAME,
        role: "historia-saga-log",
        produces: &[SAGA_COMMAND],
        consumes: &[EVENT_USER, EVENT_RESULT, EVENT_NOTIFICATION, SAGA_STEP, SAGA_COMMAND],
    },
];

/// The role of a service; the empty one, which has no rights, for a service that does not use the broker.
pub(crate) fn role(service: &str) -> &'static str {
    RIGHTS.iter().find(|rights| rights.service == service).map_or("", |rights| rights.role)
}

#[cfg(test)]
mod tests;
