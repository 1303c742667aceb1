//! What a request is part of, and under which command id it takes effect.
use crate::{Caller, Problem};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use domain_kernel::{Actor, CommandId, CorrelationId, Hash};
use infra_event_store::repository::CommandContext;
use std::net::IpAddr;
use uuid::Uuid;

/// The ids of a request, known before anybody knows who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestIds {
    /// This request, for the logs.
    pub request_id: Uuid,
    /// The saga that it starts or asks about.
    pub correlation_id: CorrelationId,
    /// The W3C trace context.
    pub traceparent: Option<String>,
    /// The client's address, as the gateway saw it; for back-off, never for the log.
    pub client_address: Option<IpAddr>,
}

/// What a handler needs to execute a command. Extracted from a request that [`crate::protected`] let through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestContext {
    /// The saga.
    pub correlation_id: CorrelationId,
    /// The same for a request repeated with the same `Idempotency-Key`, otherwise new.
    pub command_id: CommandId,
    /// With an `Idempotency-Key`: an HMAC of what was asked.
    pub digest: Option<Hash>,
    /// The user, if there is one.
    pub actor: Option<Actor>,
    /// This request, for the logs.
    pub request_id: Uuid,
    /// The W3C trace context.
    pub traceparent: Option<String>,
    /// The client's address, as the gateway saw it.
    pub client_address: Option<IpAddr>,
}

/// What the guard worked out of `Idempotency-Key` and body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Intention {
    pub(crate) command_id: CommandId,
    pub(crate) digest: Option<Hash>,
}

impl RequestContext {
    /// The context of the one command that this request is.
    #[must_use]
    pub fn command(&self) -> CommandContext {
        CommandContext {
            command_id: self.command_id,
            digest: self.digest,
            correlation_id: self.correlation_id,
            causation_id: None,
            actor: self.actor,
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RequestContext {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let (Some(ids), Some(intention)) = (parts.extensions.get::<RequestIds>(), parts.extensions.get::<Intention>())
        else {
            tracing::error!("a handler outside of `protected` asks for its request's context");
            return Err(Problem::internal());
        };
        Ok(Self {
            correlation_id: ids.correlation_id,
            command_id: intention.command_id,
            digest: intention.digest,
            actor: parts.extensions.get::<Caller>().map(Caller::actor),
            request_id: ids.request_id,
            traceparent: ids.traceparent.clone(),
            client_address: ids.client_address,
        })
    }
}
