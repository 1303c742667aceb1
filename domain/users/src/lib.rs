//! The users context: its language and its rules.
//!
//! Who may log in, under which name, in which role, and how they are reached. Sessions and tokens are not facts about
//! a user and live in the service; that sessions were taken away is one, and is an event. What is kept of a person can
//! be forgotten, by two administrators and as far as the law allows: [`erasure`].
pub mod contact;
pub mod erasure;
pub mod password;
pub mod profile;
pub mod user;
pub mod username;

pub use contact::{Address, AddressOrigin, Contact, ContactDetails, EmailAddress, InvalidEmailAddress};
pub use erasure::Erasure;
pub use password::{Password, PasswordHash, PasswordRule, WeakPassword};
pub use profile::{DeactivationReason, FullName, InvalidFullName, InvalidReason};
pub use user::{
    Account, AccountChange, Edit, NewUser, RevocationCause, RevokedSessions, SessionId, User, UserCommand, UserError,
    UserEvent, UserState,
};
pub use username::{InvalidUsername, Username};
