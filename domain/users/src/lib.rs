//! The users context: its language and its rules.
//!
//! Who may log in, under which name, in which role, and how they are reached. Sessions and tokens are not facts about
//! a user and live in the service; that sessions were taken away is one, and is an event.
pub mod contact;
pub mod password;
pub mod profile;
pub mod user;
pub mod username;

pub use contact::{Address, AddressOrigin, Contact, ContactDetails, EmailAddress, InvalidEmailAddress};
pub use password::{Password, PasswordHash, PasswordRule, WeakPassword};
pub use profile::{DeactivationReason, FullName, InvalidFullName, InvalidReason};
pub use user::{
    Account, AccountChange, Edit, NewUser, RevocationCause, RevokedSessions, SessionId, User, UserCommand, UserError,
    UserEvent, UserState,
};
pub use username::{InvalidUsername, Username};
