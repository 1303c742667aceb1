//! One notification: a person is told once about one event.
//!
//! ```text
//! (unknown) ── request ──▶ waiting ── sent ────────────▶ sent
//!                 │         │  ▲ └─── suppress ────────▶ suppressed
//!                 │         └──┘ attempt failed            ▲
//!                 │         └─── failed for good ──▶ dead ─│─ skip ─▶ skipped
//!                 │                 ▲ request again ─┘     │
//!                 └── nobody knows a contact ──────────────┘
//! ```
//! Attempts are numbered through: a notification that an operator asks for again goes on above its last attempt, so the
//! highest attempt is always the newest answer.
use crate::{About, FailureCode, FailureKind, Request, RetrySchedule, SuppressionReason, Template};
use domain_kernel::{Aggregate, DomainEvent, EventId, Timestamp};

/// The notification aggregate.
pub struct Notification;

/// Where a notification stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum NotificationState {
    /// No event yet.
    #[default]
    Unknown,
    /// A mail is to be sent.
    Waiting {
        /// What was asked for.
        request: Request,
        /// The attempt that comes next.
        attempt: u32,
        /// How many attempts failed since it was last asked for.
        failures: u32,
        /// When the attempt is due.
        due_at: Timestamp,
    },
    /// The mail server answers for it.
    Sent {
        /// What was asked for.
        request: Request,
        /// The attempt that went through.
        attempt: u32,
    },
    /// Given up; an operator may ask for it again.
    Dead {
        /// What was asked for.
        request: Request,
        /// The last attempt.
        attempt: u32,
        /// Why that failed.
        code: FailureCode,
    },
    /// Given up, and an operator let it rest.
    Skipped {
        /// What was asked for.
        request: Request,
        /// The last attempt.
        attempt: u32,
    },
    /// Nobody is told, for a reason.
    Suppressed {
        /// What was asked for.
        request: Request,
        /// The reason.
        reason: SuppressionReason,
    },
}

impl NotificationState {
    /// What was asked for; `None` when nothing ever was.
    #[must_use]
    pub fn request(&self) -> Option<&Request> {
        match self {
            Self::Unknown => None,
            Self::Waiting { request, .. }
            | Self::Sent { request, .. }
            | Self::Dead { request, .. }
            | Self::Skipped { request, .. }
            | Self::Suppressed { request, .. } => Some(request),
        }
    }
}

/// What can be asked of a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotificationCommand {
    /// Tell somebody.
    Request(Request),
    /// The mail of this attempt was taken.
    RecordSent {
        /// Which attempt.
        attempt: u32,
    },
    /// The mail of this attempt was not taken.
    RecordFailure {
        /// Which attempt.
        attempt: u32,
        /// Why.
        code: FailureCode,
        /// Whether trying again can help.
        kind: FailureKind,
        /// When to try again.
        schedule: RetrySchedule,
        /// When it failed.
        at: Timestamp,
    },
    /// Nobody is to be told after all.
    Suppress {
        /// The attempt that found out.
        attempt: u32,
        /// Why.
        reason: SuppressionReason,
    },
    /// An operator wants a dead notification tried again.
    RequestAgain {
        /// The number that the next attempt shall have.
        attempt: u32,
        /// When it was asked for.
        at: Timestamp,
    },
    /// An operator lets a dead notification rest.
    Skip,
}

/// What can have happened to a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotificationEvent {
    /// Somebody is to be told.
    Requested(Request),
    /// An attempt failed and another one follows.
    AttemptFailed {
        /// Which attempt.
        attempt: u32,
        /// Why.
        code: FailureCode,
        /// When the next one is due.
        next_attempt_at: Timestamp,
    },
    /// The mail server answers for the mail.
    Sent {
        /// What it is about.
        about: About,
        /// The occasion.
        template: Template,
        /// The attempt that went through.
        attempt: u32,
    },
    /// It was given up.
    Failed {
        /// What it is about.
        about: About,
        /// The occasion.
        template: Template,
        /// The last attempt.
        attempt: u32,
        /// Why that failed.
        code: FailureCode,
    },
    /// Nobody is told.
    Suppressed {
        /// What it is about.
        about: About,
        /// The occasion.
        template: Template,
        /// The attempt that found out.
        attempt: u32,
        /// Why.
        reason: SuppressionReason,
    },
    /// An operator asked for a dead notification once more.
    RequestedAgain {
        /// The event that asked for it first.
        source: EventId,
        /// What it is about.
        about: About,
        /// The attempt that comes next.
        attempt: u32,
        /// When; the attempt is due then.
        at: Timestamp,
    },
    /// An operator let a dead notification rest.
    Skipped {
        /// The event that asked for it first.
        source: EventId,
        /// What it is about.
        about: About,
        /// The last attempt.
        attempt: u32,
    },
}

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotificationError {
    /// Nothing was ever asked for.
    #[error("there is no such notification")]
    Unknown,
    /// The outcome is known already; another one comes too late.
    #[error("the notification is settled")]
    Settled,
    /// The outcome is of another attempt than the one that is due.
    #[error("attempt {due} is due")]
    OtherAttempt {
        /// The attempt that is due.
        due: u32,
    },
}

impl DomainEvent for NotificationEvent {
    fn event_type(&self) -> &'static str {
        match self {
            Self::Requested(_) => "notifications.notification_requested",
            Self::AttemptFailed { .. } => "notifications.attempt_failed",
            Self::Sent { .. } => "notifications.notification_sent",
            Self::Failed { .. } => "notifications.notification_failed",
            Self::Suppressed { .. } => "notifications.notification_suppressed",
            Self::RequestedAgain { .. } => "notifications.notification_requested_again",
            Self::Skipped { .. } => "notifications.notification_skipped",
        }
    }
}

impl Aggregate for Notification {
    const NAME: &'static str = "notification";
    type State = NotificationState;
    type Command = NotificationCommand;
    type Event = NotificationEvent;
    type Error = NotificationError;

    fn decide(
        state: &NotificationState,
        command: NotificationCommand,
    ) -> Result<Vec<NotificationEvent>, NotificationError> {
        match command {
            NotificationCommand::Request(wanted) => Ok(request(state, wanted)),
            NotificationCommand::RecordSent { attempt } => record_sent(state, attempt),
            NotificationCommand::RecordFailure { attempt, code, kind, schedule, at } => {
                record_failure(state, attempt, code, kind, schedule, at)
            }
            NotificationCommand::Suppress { attempt, reason } => suppress(state, attempt, reason),
            NotificationCommand::RequestAgain { attempt, at } => request_again(state, attempt, at),
            NotificationCommand::Skip => skip(state),
        }
    }

    fn evolve(state: NotificationState, event: &NotificationEvent) -> NotificationState {
        match (state, event) {
            (NotificationState::Unknown, NotificationEvent::Requested(request)) => NotificationState::Waiting {
                attempt: request.first_attempt,
                due_at: request.requested_at,
                failures: 0,
                request: request.clone(),
            },
            (
                NotificationState::Waiting { request, failures, .. },
                NotificationEvent::AttemptFailed { attempt, next_attempt_at, .. },
            ) => NotificationState::Waiting {
                request,
                attempt: attempt.saturating_add(1),
                failures: failures.saturating_add(1),
                due_at: *next_attempt_at,
            },
            (NotificationState::Waiting { request, .. }, NotificationEvent::Sent { attempt, .. }) => {
                NotificationState::Sent { request, attempt: *attempt }
            }
            (NotificationState::Waiting { request, .. }, NotificationEvent::Failed { attempt, code, .. }) => {
                NotificationState::Dead { request, attempt: *attempt, code: code.clone() }
            }
            (NotificationState::Waiting { request, .. }, NotificationEvent::Suppressed { reason, .. }) => {
                NotificationState::Suppressed { request, reason: *reason }
            }
            (NotificationState::Dead { request, .. }, NotificationEvent::RequestedAgain { attempt, at, .. }) => {
                NotificationState::Waiting { request, attempt: *attempt, failures: 0, due_at: *at }
            }
            (NotificationState::Dead { request, attempt, .. }, NotificationEvent::Skipped { .. }) => {
                NotificationState::Skipped { request, attempt }
            }
            (state, _) => state,
        }
    }
}

fn request(state: &NotificationState, wanted: Request) -> Vec<NotificationEvent> {
    if *state != NotificationState::Unknown {
        // The stream is made of event and template, so this is the same request once more.
        return vec![];
    }
    let Request { about, template, first_attempt: attempt, .. } = wanted;
    let nobody_to_tell = wanted.contact.is_none();
    let mut events = vec![NotificationEvent::Requested(wanted)];
    if nobody_to_tell {
        let reason = SuppressionReason::NoContact;
        events.push(NotificationEvent::Suppressed { about, template, attempt, reason });
    }
    events
}

/// The request and the number of failures before, when `attempt` is the one that is due.
fn due(state: &NotificationState, attempt: u32) -> Result<(&Request, u32), NotificationError> {
    match state {
        NotificationState::Unknown => Err(NotificationError::Unknown),
        NotificationState::Waiting { request, attempt: due, failures, .. } if *due == attempt => {
            Ok((request, *failures))
        }
        NotificationState::Waiting { attempt: due, .. } => Err(NotificationError::OtherAttempt { due: *due }),
        NotificationState::Sent { .. }
        | NotificationState::Dead { .. }
        | NotificationState::Skipped { .. }
        | NotificationState::Suppressed { .. } => Err(NotificationError::Settled),
    }
}

fn record_sent(state: &NotificationState, attempt: u32) -> Result<Vec<NotificationEvent>, NotificationError> {
    let (request, _) = due(state, attempt)?;
    Ok(vec![NotificationEvent::Sent { about: request.about, template: request.template, attempt }])
}

fn record_failure(
    state: &NotificationState,
    attempt: u32,
    code: FailureCode,
    kind: FailureKind,
    schedule: RetrySchedule,
    at: Timestamp,
) -> Result<Vec<NotificationEvent>, NotificationError> {
    let (request, failures) = due(state, attempt)?;
    let wait = match kind {
        FailureKind::Transient => schedule.wait_ms(request.notification(), failures.saturating_add(1)),
        FailureKind::Permanent => None,
    };
    Ok(vec![match wait {
        Some(wait) => NotificationEvent::AttemptFailed { attempt, code, next_attempt_at: at.plus_millis(wait) },
        None => NotificationEvent::Failed { about: request.about, template: request.template, attempt, code },
    }])
}

fn suppress(
    state: &NotificationState,
    attempt: u32,
    reason: SuppressionReason,
) -> Result<Vec<NotificationEvent>, NotificationError> {
    let (request, _) = due(state, attempt)?;
    Ok(vec![NotificationEvent::Suppressed { about: request.about, template: request.template, attempt, reason }])
}

fn request_again(
    state: &NotificationState,
    attempt: u32,
    at: Timestamp,
) -> Result<Vec<NotificationEvent>, NotificationError> {
    match state {
        NotificationState::Unknown => Err(NotificationError::Unknown),
        NotificationState::Dead { request, attempt: last, .. } if attempt > *last => {
            Ok(vec![NotificationEvent::RequestedAgain { source: request.source, about: request.about, attempt, at }])
        }
        // Asked for before the last attempt: that attempt was the answer. Or it is being tried already.
        NotificationState::Dead { .. } | NotificationState::Waiting { .. } => Ok(vec![]),
        NotificationState::Sent { .. } | NotificationState::Skipped { .. } | NotificationState::Suppressed { .. } => {
            Err(NotificationError::Settled)
        }
    }
}

fn skip(state: &NotificationState) -> Result<Vec<NotificationEvent>, NotificationError> {
    match state {
        NotificationState::Unknown => Err(NotificationError::Unknown),
        NotificationState::Dead { request, attempt, .. } => {
            let (source, about, attempt) = (request.source, request.about, *attempt);
            Ok(vec![NotificationEvent::Skipped { source, about, attempt }])
        }
        // It is being tried once more: what comes of that counts. Or it rests already.
        NotificationState::Waiting { .. } | NotificationState::Skipped { .. } => Ok(vec![]),
        NotificationState::Sent { .. } | NotificationState::Suppressed { .. } => Err(NotificationError::Settled),
    }
}

#[cfg(test)]
#[path = "notification_tests.rs"]
mod tests;
