//! What an operator may see of an account as it stood: that there is a name, never which; and of an erasure, all of it.
use crate::codec::UserCodec;
use crate::erasure_codec::ErasureCodec;
use domain_kernel::ports::KeyVault;
use domain_kernel::{Aggregate, BoxFuture, RecordedEvent};
use domain_users::erasure::{ErasureState, Progress};
use domain_users::{Account, AddressOrigin, Erasure, User, UserState};
use infra_event_store::codec::CodecError;
use infra_event_store::inspection::{self, SEALED, moment};
use serde_json::{Value, json};
use std::sync::Arc;

/// The state after each of `events`, the first ones of a stream of `category`; `None` for a category without a state.
/// Sensitive values are left out, whatever `vault` opens.
///
/// # Errors
/// [`CodecError`] for an event that cannot be decoded.
#[must_use]
pub fn states(
    vault: Arc<dyn KeyVault>,
    category: &'static str,
    events: Vec<RecordedEvent>,
) -> BoxFuture<'static, Result<Option<Vec<Value>>, CodecError>> {
    Box::pin(async move {
        Ok(match category {
            User::NAME => {
                let states = inspection::states::<User>(&UserCodec::new(vault), &events).await?;
                Some(states.iter().map(shown).collect())
            }
            Erasure::NAME => {
                let states = inspection::states::<Erasure>(&ErasureCodec, &events).await?;
                Some(states.iter().map(erasure_shown).collect())
            }
            _ => None,
        })
    })
}

fn shown(state: &UserState) -> Value {
    match state {
        UserState::Unknown => json!({"status": "unknown"}),
        UserState::Active(account) => account_shown("active", account),
        UserState::Deactivated(account) => account_shown("deactivated", account),
    }
}

fn account_shown(status: &str, account: &Account) -> Value {
    let Account { username: _, full_name: _, role, contact, password, must_change_password, created_at } = account;
    json!({
        "status": status,
        "role": role.name(),
        "username": SEALED,
        "full_name": SEALED,
        "contact": contact.as_ref().map(|contact| json!({
            "origin": match contact.origin {
                AddressOrigin::Given => "given",
                AddressOrigin::Assigned => "assigned",
            },
            "address": SEALED,
        })),
        "password": password.as_ref().map(|_| SEALED),
        "must_change_password": must_change_password,
        "created_at": moment(*created_at),
    })
}

/// In clear: it names nobody.
fn erasure_shown(state: &ErasureState) -> Value {
    let ErasureState { progress, hold } = state;
    let status = match progress {
        Progress::NotAsked => "not_asked",
        Progress::Requested(_) => "requested",
        Progress::Declined { .. } => "declined",
        Progress::Approved { .. } => "approved",
        Progress::Erased { .. } => "erased",
    };
    json!({
        "status": status,
        "request": progress.request().map(|request| json!({
            "subject": request.key.subject.0,
            "purpose": request.key.purpose.name(),
            "country": request.country.code(),
            "reason": request.reason.as_str(),
            "requested_by": request.act.by.0,
        })),
        "hold": hold.as_ref().map(|hold| json!({
            "subject": hold.key.subject.0,
            "purpose": hold.key.purpose.name(),
            "reason": hold.reason.as_str(),
            "placed_by": hold.act.by.0,
        })),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain_kernel::{Role, Sensitive, Timestamp};
    use domain_users::{PasswordHash, Username};

    #[test]
    fn a_state_is_shown_without_its_sensitive_values() {
        let account = Account {
            username: Sensitive::Known(Username::parse("usuario2").unwrap()),
            full_name: Sensitive::Known(None),
            role: Role::Laboratory,
            contact: None,
            password: Some(Sensitive::Known(PasswordHash::new("secret".to_owned()))),
            must_change_password: false,
            created_at: Timestamp(0),
        };
        let shown = shown(&UserState::Active(account));
        assert_eq!((&shown["status"], &shown["role"]), (&json!("active"), &json!("laboratory")));
        let text = shown.to_string();
        assert!(!text.contains("usuario2") && !text.contains("secret"), "{text}");
    }
}
