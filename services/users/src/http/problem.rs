//! What the service's errors are to a client.
use crate::accounts::{AccountError, EMAIL, USERNAME};
use crate::database::{DatabaseError, moment};
use crate::erasures::ErasureFailure;
use crate::http::bodies::rfc3339;
use crate::passwords::HashingError;
use crate::sessions::SessionError;
use crate::sign_in::SignInError;
use crate::user_list::UserListError;
use axum::http::StatusCode;
use domain_users::UserError;
use domain_users::erasure::ErasureError;
use infra_event_store::repository::CommandError;
use infra_http::Problem;
use std::time::Duration;

/// After this a client may try again when something is out of reach.
const OUTAGE: Duration = Duration::from_secs(2);

/// What is wrong with a body, field by field, so that a client learns all of it at once.
#[derive(Default)]
pub(super) struct Faults(Option<Problem>);

impl Faults {
    /// The value, or `None` and a fault of the field.
    pub(super) fn check<T, E: std::fmt::Display>(&mut self, pointer: &str, value: Result<T, E>) -> Option<T> {
        match value {
            Ok(value) => Some(value),
            Err(error) => {
                let detail = error.to_string();
                self.0 = Some(match self.0.take() {
                    Some(problem) => problem.field(pointer, detail),
                    None => Problem::unprocessable(pointer, detail),
                });
                None
            }
        }
    }

    /// All of them, if there are any.
    pub(super) fn problem(self) -> Option<Problem> {
        self.0
    }
}

/// The rule that a user's command broke.
fn refused(error: UserError) -> Problem {
    match error {
        UserError::Unknown => Problem::not_found(),
        UserError::AlreadyExists => Problem::conflict("already_exists", "The user exists already."),
        UserError::Deactivated => Problem::conflict("deactivated", "The user is deactivated: reactivate them first."),
        UserError::Erased => Problem::new(StatusCode::GONE, "erased", "This person's data was erased"),
    }
}

fn command(error: CommandError<UserError>) -> Problem {
    match error {
        CommandError::ClaimTaken(USERNAME) => taken("/username", "This username is taken."),
        CommandError::ClaimTaken(EMAIL) => taken("/email", "This e-mail address is another user's."),
        error => Problem::of_command(error, refused),
    }
}

fn taken(pointer: &'static str, detail: &'static str) -> Problem {
    Problem::conflict("already_taken", detail).field(pointer, "is taken")
}

impl From<DatabaseError> for Problem {
    fn from(error: DatabaseError) -> Self {
        tracing::warn!(reason = %infra_runtime::supervisor::chain(&error), "the users database does not answer");
        Self::unavailable(OUTAGE)
    }
}

impl From<HashingError> for Problem {
    fn from(error: HashingError) -> Self {
        match error {
            HashingError::Busy => Self::unavailable(Duration::from_secs(1)).code("busy"),
            HashingError::Failed => {
                tracing::error!("a password could not be hashed");
                Self::internal()
            }
        }
    }
}

impl From<SessionError> for Problem {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Database(error) => error.into(),
            SessionError::NoRandomness => {
                tracing::error!("the operating system gives no random bytes");
                Self::internal()
            }
        }
    }
}

impl From<UserListError> for Problem {
    fn from(error: UserListError) -> Self {
        match error {
            UserListError::Database(error) => error.into(),
            UserListError::Codec(error) => error.into(),
        }
    }
}

impl From<AccountError> for Problem {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Command(error) => command(error),
            AccountError::Load(error) => error.into(),
            AccountError::Hashing(error) => error.into(),
            AccountError::Session(error) => error.into(),
            AccountError::Database(error) => error.into(),
            AccountError::LastAdministrator => Self::conflict(
                "last_administrator",
                "This is the last active administrator: give somebody else the role first.",
            ),
        }
    }
}

impl From<ErasureFailure> for Problem {
    fn from(error: ErasureFailure) -> Self {
        match error {
            ErasureFailure::Command(error) => Self::of_command(error, not_erased),
            ErasureFailure::Load(error) => error.into(),
            ErasureFailure::Register(error) => error.into(),
            ErasureFailure::Database(error) => error.into(),
            ErasureFailure::Unknown => Self::not_found(),
        }
    }
}

/// The rule that a command on a key broke.
fn not_erased(error: ErasureError) -> Problem {
    match error {
        ErasureError::NoSuchKey => {
            Problem::unprocessable("/subject", "has no key for this purpose").code("no_such_key")
        }
        ErasureError::AlreadyErased => Problem::conflict("already_erased", "The key was destroyed already."),
        ErasureError::AlreadyRequested => {
            Problem::conflict("already_requested", "The erasure was asked for already: another administrator decides.")
        }
        ErasureError::AlreadyApproved => Problem::conflict("already_approved", "The erasure was approved already."),
        ErasureError::NothingRequested => {
            Problem::conflict("nothing_requested", "No erasure waits for a decision: ask for it first.")
        }
        ErasureError::SecondPersonNeeded => {
            Problem::conflict("second_person_needed", "Another administrator than the one who asked has to approve it.")
        }
        ErasureError::OnHold => Problem::conflict("legal_hold", "A legal hold stands: lift it first."),
        ErasureError::AlreadyHeld => Problem::conflict("already_held", "There is a legal hold already."),
        ErasureError::NotHeld => Problem::conflict("not_held", "The legal hold was lifted already."),
        ErasureError::AccountActive => {
            Problem::conflict("account_active", "The account is active: deactivate it first.")
        }
        ErasureError::Retained { law, until } => {
            let until = rfc3339(moment(until));
            Problem::conflict("retained", format!("{law} keeps it, at least until {until}."))
                .extension("law", law)
                .extension("until", until)
        }
        ErasureError::NotProvable { law } => {
            let detail = format!("{law} may keep it: that the newest entry is old enough cannot be proven.");
            Problem::conflict("retention_not_provable", detail).extension("law", law)
        }
    }
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Refused => {
                Self::unauthorized().code("not_logged_in").detail("The credentials are wrong, or no longer valid.")
            }
            SignInError::WrongPassword => Self::unprocessable("/current_password", "is not the current password"),
            SignInError::Wait(wait) => Self::too_many_requests(wait)
                .code("too_many_failed_logins")
                .detail("Too many failed log-ins; wait before the next."),
            SignInError::Hashing(error) => error.into(),
            SignInError::Store(error) => error.into(),
            SignInError::Load(error) => error.into(),
            SignInError::Session(error) => error.into(),
            SignInError::Database(error) => error.into(),
            SignInError::Command(error) => command(error),
            SignInError::Token(error) => {
                tracing::error!(reason = %error, "a token could not be signed");
                Self::internal()
            }
        }
    }
}

/// Whoever asks for a role that is not theirs to give.
pub(super) fn needs_administrator() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "forbidden", "Only an administrator may do this")
}
