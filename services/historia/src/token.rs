//! `token`: an access token without its user's password, for trying things in the demo.
//!
//! Whoever reads the data directory's secrets could make one anyway; production's are elsewhere, each with the service
//! that needs it, so this works on a demo's data alone.
use crate::cli::TokenArgs;
use crate::data_directory::DataDirectory;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::history::Logs;
use crate::output;
use crate::secrets::names;
use domain_kernel::ports::{Clock, EventStore};
use domain_kernel::{Role, StreamId, UserId, Version};
use infra_event_store::BlindIndex;
use infra_event_store::inspection::{Sight, Unopened};
use infra_http::{Claims, TokenSigner};
use infra_runtime::secrets::SecretsDirectory;
use infra_runtime::{Profile, SystemClock};
use std::sync::Arc;

/// How long the token lives, in seconds: as long as one that the demo gives at a log-in.
const LIFETIME: i64 = 60 * 60;

/// Prints a token.
///
/// # Errors
/// There is no such user, they may not log in, or the data are not a demo's.
pub(crate) async fn run(arguments: TokenArgs) -> Result<(), Failure> {
    let data = DataDirectory::locate(arguments.store.data_dir.as_deref())?;
    data.require()?;
    data.check_mark(Profile::Demo)?;
    let secrets = SecretsDirectory::existing(&data.secrets())?;
    let logs = Logs::open(&arguments.store, Some(service_users::NAME)).await?;
    let found = find(&logs, &secrets, &arguments.user).await;
    logs.close().await?;
    let (user, role) = found?;
    let clock = SystemClock::new();
    let session = clock.unique_id();
    let claims = Claims::user(user, role, session, clock.now(), LIFETIME, clock.unique_id());
    let token = TokenSigner::users(&secrets.bytes32(names::USER_TOKEN_KEY)?)?.sign(&claims)?;
    output::note(format!("a token of {role} {user} for {} minutes; of the demo alone", LIFETIME / 60));
    output::line(token)
}

/// The account by its id or its name.
async fn find(logs: &Logs, secrets: &SecretsDirectory, name: &str) -> Result<(UserId, Role), Failure> {
    let unknown = || Failure::not_found("there is no such user: register one with POST /users".to_owned());
    let log = logs.iter().next().ok_or_else(unknown)?;
    let stream = match name.parse() {
        Ok(id) => StreamId(id),
        Err(_) => {
            let username = service_users::Username::parse(name).map_err(|_| unknown())?;
            let index = BlindIndex::new(secrets.bytes32(&names::blind_index(service_users::NAME))?);
            let claim = service_users::username_claim(&index, &username);
            log.store.find_claim(claim.kind, claim.key).await?.ok_or_else(unknown)?
        }
    };
    let events = log.stream(stream, Version::NONE, usize::MAX).await?;
    let category = events.first().and_then(|event| log.event_type(event.type_id.0)).map(|known| known.category);
    let states = (log.service.states)(Arc::new(Unopened), category.unwrap_or_default(), events, Sight::Sealed).await?;
    let state = states.and_then(|states| states.last().cloned()).ok_or_else(unknown)?;
    if state["status"] != "active" {
        return Err(Failure::ending(Exit::NotAuthorised, "this user is deactivated and may not log in"));
    }
    let role = state["role"].as_str().unwrap_or_default().parse()?;
    Ok((UserId::from(stream), role))
}
