//! The ports: what the contexts need from the world, each with an in-memory version and one conformance suite that
//! every implementation passes (`infra-testkit`).
mod bus;
mod clock;
mod mailer;
mod store;
mod vault;

pub use bus::{BusError, Delivery, EventBus, MessageSource, SourceError, SourcedMessage, Subscription};
pub use clock::Clock;
pub use mailer::{Mail, MailError, Mailer};
pub use store::{Append, AppendCommand, AppendOutcome, Claim, ClaimKind, CommandRecord, EventStore, StoreError};
pub use vault::{KeyQuery, KeyRecord, KeyRegister, KeyVault, Opened, Origin, Purpose, VaultError};
