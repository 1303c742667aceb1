//! Internal tokens, as the gateway would make them.
use domain_kernel::ports::Clock;
use domain_kernel::{Role, UserId};
use infra_http::tokens::{Claims, KeySet, Subject, TokenSigner, TokenVerifier};
use std::sync::Arc;
use uuid::Uuid;

/// Not secret: it signs nothing outside tests.
const SEED: [u8; 32] = [7; 32];

fn signer() -> TokenSigner {
    TokenSigner::gateway(&SEED).expect("32 bytes are a key")
}

/// What `service` verifies the tokens of this module with.
#[must_use]
pub fn verifier(service: &str, clock: Arc<dyn Clock>) -> TokenVerifier {
    TokenVerifier::internal(service, KeySet::new([signer().public_key()]), clock)
}

/// A token for `service` on behalf of a user.
#[must_use]
pub fn of_user(service: &str, user: UserId, role: Role, clock: &dyn Clock) -> String {
    of(Subject::User(user), Some(role), Some(Uuid::new_v5(&user.0, b"session")), service, clock)
}

/// A token for `service` for a request that has none of its own.
#[must_use]
pub fn anonymous(service: &str, clock: &dyn Clock) -> String {
    of(Subject::Anonymous, None, None, service, clock)
}

/// A token for `service` of another service's own doing.
#[must_use]
pub fn of_service(service: &str, caller: &str, clock: &dyn Clock) -> String {
    of(Subject::Service(caller.to_owned()), None, None, service, clock)
}

fn of(subject: Subject, role: Option<Role>, session: Option<Uuid>, service: &str, clock: &dyn Clock) -> String {
    let claims = Claims::internal(subject, role, session, service, clock.now(), clock.unique_id());
    signer().sign(&claims).expect("the claims can be signed")
}
