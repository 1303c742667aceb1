//! What every implementation of a port must do, as one suite per port.
//!
//! A suite takes a closure that makes a fresh implementation (with whatever must live as long as it does) and panics at
//! the first rule that does not hold; the message begins with the rule. Each rule is one that the port's documentation
//! in the kernel states. Run them from the tests of the crate that has the implementation.
mod clock;
mod event_bus;
mod event_store;
mod key_register;
mod key_vault;
mod mailer;

pub use clock::clock;
pub use event_bus::{BusUnderTest, event_bus};
pub use event_store::event_store;
pub use key_register::key_register;
pub use key_vault::{VaultsUnderTest, key_vault};
pub use mailer::{MailerUnderTest, mailer};

use std::time::Duration;

/// No rule takes this long; one that does hangs.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs one rule within [`LIMIT`].
async fn holds<T>(rule: &str, check: impl Future<Output = T>) -> T {
    // Boxed: the rules of a suite together would make one very large future.
    match tokio::time::timeout(LIMIT, Box::pin(check)).await {
        Ok(answer) => answer,
        Err(_) => panic!("{rule}: nothing happened for {LIMIT:?}"),
    }
}
