//! A person who may log in.
//!
//! ```text
//! (unknown) ── create ──▶ active ◀── reactivate ──┐
//!                          │  ▲                   │
//!                 change ──┘──┘ └─ deactivate ─▶ deactivated
//! ```
//! A user is never deleted: what they did stays attributable (soft delete). That a username or an address is unique is
//! not decided here: one stream cannot know the others; the store reserves both in the same transaction. Neither is
//! that the last administrator stays: that is a fact about all users.
mod command;
mod decide;
mod error;
mod event;
#[cfg(test)]
mod spec;
mod state;

pub use command::{AccountChange, Edit, NewUser, UserCommand};
pub use error::UserError;
pub use event::{RevocationCause, RevokedSessions, SessionId, UserEvent};
pub use state::{Account, UserState};

use domain_kernel::Aggregate;

/// The user aggregate.
pub struct User;

impl Aggregate for User {
    const NAME: &'static str = "user";
    type State = UserState;
    type Command = UserCommand;
    type Event = UserEvent;
    type Error = UserError;

    fn decide(state: &UserState, command: UserCommand) -> Result<Vec<UserEvent>, UserError> {
        match command {
            UserCommand::Create(new) => decide::create(state, new),
            UserCommand::Change(change) => decide::change(state, change),
            UserCommand::ChangePassword { hash, kept } => decide::change_password(state, hash, kept),
            UserCommand::RevokeSessions { cause, sessions } => decide::revoke_sessions(state, cause, sessions),
            UserCommand::Deactivate(reason) => decide::deactivate(state, reason),
            UserCommand::Reactivate => decide::reactivate(state),
        }
    }

    fn evolve(state: UserState, event: &UserEvent) -> UserState {
        state.after(event)
    }
}
