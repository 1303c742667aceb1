//! Why a command was refused.

/// The rule that forbids it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    /// The stream already has a user.
    #[error("the user exists already")]
    AlreadyExists,
    /// Nobody to change.
    #[error("there is no such user")]
    Unknown,
    /// Who may not log in is not changed either, only reactivated.
    #[error("the user is deactivated")]
    Deactivated,
    /// Who they were was erased: nobody could log in as them.
    #[error("the user's data was erased")]
    Erased,
}
