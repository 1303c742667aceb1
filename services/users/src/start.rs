//! Starting the service: its parts are put together here and nowhere else.
use crate::accounts::{Accounts, Registration};
use crate::administrators::Administrators;
use crate::backoff::Backoff;
use crate::codec::UserCodec;
use crate::config::Config;
use crate::eraser::{self, Eraser};
use crate::erasure_list::{self, ErasureList};
use crate::erasures::Erasures;
use crate::http::{self, App};
use crate::passwords::{HashingError, Passwords};
use crate::publisher::{TOPICS, publisher};
use crate::sessions::Sessions;
use crate::sign_in::SignIn;
use crate::sweep::Sweeper;
use crate::user_list::UserList;
use crate::{NAME, inspection, projections, sweep, user_list};
use axum::Router;
use domain_kernel::ports::{BusError, ClaimKind};
use domain_kernel::{CommandId, CorrelationId, Role};
use domain_users::{Password, PasswordRule, Username};
use infra_disclosure::CatalogueError;
use infra_event_store::checkpoints::PgCheckpoints;
use infra_event_store::projection;
use infra_event_store::repository::{CommandContext, CommandError, Repository};
use infra_http::{Cursors, ServiceOperations, protected};
use infra_messaging::LogSource;
use infra_runtime::supervisor::TaskError;
use infra_runtime::{Profile, Resources};
use std::sync::Arc;
use uuid::Uuid;

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The bus does not take what the service publishes.
    #[error("what the users service publishes was not taken")]
    Bus(#[from] BusError),
    /// Its stored events form no catalogue: a mistake in its code.
    #[error("the stored events of users form no catalogue")]
    Catalogue(#[from] CatalogueError),
    /// No password can be hashed.
    #[error("passwords cannot be hashed on this machine")]
    Hashing,
    /// The first administrator's name breaks a rule.
    #[error("the first administrator's username has not 3 to 64 printable characters")]
    AdministratorName,
    /// The first administrator's password breaks a rule.
    #[error("the first administrator's password is too weak: {0}")]
    AdministratorPassword(#[from] domain_users::WeakPassword),
    /// The first administrator could not be created.
    #[error("the first administrator could not be created")]
    Administrator(#[source] TaskError),
}

impl From<HashingError> for StartError {
    fn from(_: HashingError) -> Self {
        Self::Hashing
    }
}

/// Starts the service on `resources`: its read model follows the log, what it publishes is offered to the bus, and the
/// router answers.
///
/// # Errors
/// [`StartError`].
pub async fn start(resources: Resources, config: Config) -> Result<Router, StartError> {
    let accounts = Arc::new(accounts(&resources, &config).await?);
    if let Some((username, password)) = &config.first_administrator {
        create_first_administrator(&accounts, username, password.clone()).await?;
    }
    for topic in TOPICS {
        let source = LogSource::new(NAME, topic, Arc::clone(&resources.store), publisher());
        resources.bus.offer(topic, Arc::new(source)).await?;
    }
    let backoff = Backoff::new(resources.pool.clone(), resources.blind_index.clone());
    spawn_workers(&resources, &accounts.sessions, &backoff);
    spawn_eraser(&resources, &accounts, &config);

    let cursors = |list| Cursors::new(resources.blind_index.clone(), list);
    let app = App {
        sign_in: SignIn {
            accounts: Arc::clone(&accounts),
            sessions: accounts.sessions.clone(),
            backoff,
            signer: config.signer.clone(),
            lives: config.lives,
        },
        sessions: accounts.sessions.clone(),
        erasures: Erasures { accounts: Arc::clone(&accounts), keys: Arc::clone(&config.keys) },
        erasure_list: ErasureList::new(resources.pool.clone()),
        keys: config.keys,
        accounts,
        cursors: cursors(user_list::NAME),
        key_cursors: cursors("keys"),
        erasure_cursors: cursors(erasure_list::NAME),
        hold_cursors: cursors("legal_holds"),
        jwks: config.signer.jwks(),
    };
    let operations = ServiceOperations::new(&resources, projections(), Vec::new());
    let operations = operations.revealing(&resources, inspection::CONFIDENTIAL)?;
    let routes = ServiceOperations::beside(http::api().routes);
    Ok(protected(http::router(app).merge(operations.router()), &routes, config.verifier, &resources))
}

async fn accounts(resources: &Resources, config: &Config) -> Result<Accounts, StartError> {
    let codec = UserCodec::new(Arc::clone(&resources.vault));
    let (store, clock) = (Arc::clone(&resources.store), Arc::clone(&resources.clock));
    Ok(Accounts {
        profile: resources.profile,
        repository: Repository::new(Arc::clone(&store), Arc::new(codec.clone()), Arc::clone(&clock)),
        erasures: crate::erasures(Arc::clone(&store), Arc::clone(&clock)),
        clock,
        store,
        index: resources.blind_index.clone(),
        passwords: Passwords::new(std::thread::available_parallelism().map_or(1, std::num::NonZero::get)).await?,
        sessions: Sessions::new(resources.pool.clone(), config.lives),
        user_list: UserList::new(resources.pool.clone(), codec),
        administrators: Administrators::new(resources.pool.clone()),
    })
}

fn spawn_workers(resources: &Resources, sessions: &Sessions, backoff: &Backoff) {
    for read_model in projections() {
        let name = read_model.name();
        let (store, kept) = (Arc::clone(&resources.store), resources.read_models.of(read_model));
        resources.supervisor.spawn(name, move |stop| {
            let (kept, store) = (Arc::clone(&kept), Arc::clone(&store));
            Box::pin(async move { Ok(projection::keep_up(kept, store, stop.cancelled_owned()).await?) })
        });
    }
    let sweeper = Sweeper {
        store: Arc::clone(&resources.store),
        checkpoints: Arc::new(PgCheckpoints::new(resources.pool.clone())),
        clock: Arc::clone(&resources.clock),
        sessions: sessions.clone(),
        backoff: backoff.clone(),
    };
    let following = sweeper.clone();
    resources.supervisor.spawn(sweep::NAME, move |stop| Box::pin(following.clone().follow(stop)));
    resources.supervisor.spawn("users.pruning", move |stop| Box::pin(sweeper.clone().prune(stop)));
}

fn spawn_eraser(resources: &Resources, accounts: &Accounts, config: &Config) {
    let eraser = Eraser {
        store: Arc::clone(&resources.store),
        checkpoints: Arc::new(PgCheckpoints::new(resources.pool.clone())),
        clock: Arc::clone(&resources.clock),
        keys: Arc::clone(&config.keys),
        erasures: accounts.erasures.clone(),
    };
    resources.supervisor.spawn(eraser::NAME, move |stop| Box::pin(eraser.clone().follow(stop)));
}

/// Makes the administrator of the secret file, unless there is a user of that name. The command id follows from the
/// name, so a second process, or a start that was killed, does it once.
async fn create_first_administrator(accounts: &Accounts, username: &str, password: String) -> Result<(), StartError> {
    let username = Username::parse(username).map_err(|_| StartError::AdministratorName)?;
    if accounts.find(&username).await.map_err(|error| StartError::Administrator(error.into()))?.is_some() {
        return Ok(());
    }
    let rule = match accounts.profile {
        Profile::Demo => PasswordRule::DEMO,
        Profile::Production => PasswordRule::STANDARD,
    };
    let password = Password::choose(password, rule)?;
    let name = accounts.index.digest(&[b"first administrator", username.as_str().as_bytes()]);
    let context = CommandContext {
        command_id: CommandId(Uuid::new_v5(&Uuid::NAMESPACE_OID, &name)),
        digest: None,
        correlation_id: CorrelationId(accounts.clock.unique_id()),
        causation_id: None,
        actor: None,
    };
    let registration = Registration {
        username,
        password,
        // In production whoever installed the platform knows it too, and so does the file.
        password_is_initial: accounts.profile == Profile::Production,
        full_name: None,
        email: None,
        role: Role::Administrator,
    };
    match accounts.register(&context, registration).await {
        Ok(_) => Ok(()),
        // Another process was faster, under another command.
        Err(crate::accounts::AccountError::Command(CommandError::ClaimTaken(ClaimKind(_)))) => Ok(()),
        Err(error) => Err(StartError::Administrator(error.into())),
    }
}
