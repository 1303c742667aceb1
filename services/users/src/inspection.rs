//! What an operator may see of an account as it stood: that there is a name, never which, unless that is revealed to
//! them on the record; and of an erasure, all of it.
use crate::codec::UserCodec;
use crate::erasure_codec::ErasureCodec;
use crate::{EVENTS, NAME};
use domain_kernel::ports::KeyVault;
use domain_kernel::{Aggregate, BoxFuture, RecordedEvent};
use domain_users::erasure::{ErasureState, Progress};
use domain_users::{Account, AddressOrigin, Erasure, User, UserState};
use infra_disclosure::{Confidential, nothing_copied};
use infra_event_store::codec::CodecError;
use infra_event_store::inspection::{self, Sight, moment};
use serde_json::{Value, json};
use std::sync::Arc;

/// The state after each of `events`, the first ones of a stream of `category`; `None` for a category without a state.
/// Sensitive values are as `sight` says, whatever `vault` opens.
///
/// # Errors
/// [`CodecError`] for an event that cannot be decoded.
#[must_use]
pub fn states(
    vault: Arc<dyn KeyVault>,
    category: &'static str,
    events: Vec<RecordedEvent>,
    sight: Sight,
) -> BoxFuture<'static, Result<Option<Vec<Value>>, CodecError>> {
    Box::pin(async move {
        Ok(match category {
            User::NAME => {
                let states = inspection::states::<User>(&UserCodec::new(vault), &events).await?;
                Some(states.iter().map(|state| shown(state, sight)).collect())
            }
            Erasure::NAME => {
                let states = inspection::states::<Erasure>(&ErasureCodec, &events).await?;
                Some(states.iter().map(erasure_shown).collect())
            }
            _ => None,
        })
    })
}

/// What an administrator may be shown of this service's events, on the record. Nobody is shown what a password's hash is.
pub(crate) const CONFIDENTIAL: Confidential =
    Confidential { service: NAME, events: &[EVENTS], states, copied: nothing_copied, withheld: &["password_hash"] };

fn shown(state: &UserState, sight: Sight) -> Value {
    match state {
        UserState::Unknown => json!({"status": "unknown"}),
        UserState::Active(account) => account_shown("active", account, sight),
        UserState::Deactivated(account) => account_shown("deactivated", account, sight),
    }
}

fn account_shown(status: &str, account: &Account, sight: Sight) -> Value {
    let Account { username, full_name, role, contact, password, must_change_password, created_at } = account;
    json!({
        "status": status,
        "role": role.name(),
        "username": sight.of(username, |name| Some(name.as_str().to_owned())),
        "full_name": sight.of(full_name, |name| name.as_ref().map(|name| name.as_str().to_owned())),
        "contact": contact.as_ref().map(|contact| json!({
            "origin": match contact.origin {
                AddressOrigin::Given => "given",
                AddressOrigin::Assigned => "assigned",
            },
            "address": sight.of(&contact.details, |details| Some(details.email.as_str().to_owned())),
        })),
        "password": password.as_ref().map(|_| sight.withheld()),
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
        let account = UserState::Active(account);
        let sealed = shown(&account, Sight::Sealed);
        assert_eq!((&sealed["status"], &sealed["role"]), (&json!("active"), &json!("laboratory")));
        let text = sealed.to_string();
        assert!(!text.contains("usuario2") && !text.contains("secret"), "{text}");
        let opened = shown(&account, Sight::Opened);
        assert_eq!((&opened["username"], &opened["password"]), (&json!("usuario2"), &json!("[withheld]")));
        assert!(!opened.to_string().contains("secret"), "{opened}");
    }
}
