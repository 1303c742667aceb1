//! `topics`: what the broker must have for the services to meet on it.
//!
//! What always holds: running it twice changes nothing; what is there and differs is changed, what is there besides is
//! left alone; a schema is only ever added, and only one that the registry takes. Schemas that are no contract of this
//! release are told: a newer release's, or somebody's who may produce and reached the admin interface.
mod changes;
mod difference;
mod reading;
pub(crate) mod rights;
mod unknown;

pub(crate) use reading::{Schemas, Stats, Topics};

use crate::cli::{PlaceArgs, TopicsCommand, TopicsEnsureArgs};
use crate::failure::Failure;
use crate::output::{self, List, Output};
use crate::transport;
use changes::Change;
use infra_runtime::outgoing::Trust;
use infra_runtime::pulsar::Token;
use infra_runtime::pulsar::admin::{Admin, AdminError, Namespace, Policies, Retention};
use infra_runtime::secrets::read_file;
use serde::Serialize;
use std::time::{Duration, Instant};
use unknown::UnknownSchema;

/// Between two tries on a broker that is not ready.
const PAUSE: Duration = Duration::from_millis(500);
/// Messages stay this long on the broker (DESIGN, messages): PostgreSQL is the history.
const RETENTION_MINUTES: i64 = 7 * 24 * 60;

/// What the broker should have.
pub(crate) struct Wanted {
    namespace: Namespace,
    partitions: u32,
    rights: bool,
}

impl Wanted {
    /// # Errors
    /// Tenant or namespace is no name that Pulsar takes.
    pub(crate) fn new(place: &PlaceArgs, partitions: u32, rights: bool) -> Result<Self, Failure> {
        let namespace = Namespace::new(&place.broker_tenant, &place.broker_namespace)?;
        Ok(Self { namespace, partitions, rights })
    }

    /// The rules of the namespace: only schemas that we registered, only changes that old and new readers both take.
    fn policies() -> Policies {
        Policies {
            schema_compatibility: Some("FULL_TRANSITIVE".to_owned()),
            schema_validation_enforced: Some(true),
            schema_automatic_update: Some(false),
            retention: Some(Retention { minutes: RETENTION_MINUTES, mebibytes: -1 }),
        }
    }
}

const CHANGES: List = List { name: "changes", id: "name", columns: &["kind", "name", "role", "from", "to"] };

#[derive(Serialize)]
struct Report<'a> {
    namespace: String,
    dry_run: bool,
    changes: Vec<changes::Told<'a>>,
    unknown_schemas: &'a [UnknownSchema],
}

/// Runs a `topics` verb.
///
/// # Errors
/// The broker cannot be reached, refuses, or has schemas that ours do not fit with.
pub(crate) async fn run(command: &TopicsCommand) -> Result<(), Failure> {
    match command {
        TopicsCommand::Ensure(arguments) => ensure_told(arguments).await,
        TopicsCommand::List(arguments) => reading::list(arguments).await,
        TopicsCommand::Stats(arguments) => reading::stats(arguments).await,
        TopicsCommand::Schemas(arguments) => reading::schemas(arguments).await,
    }
}

async fn ensure_told(arguments: &TopicsEnsureArgs) -> Result<(), Failure> {
    let admin = admin(&arguments.broker_admin, &arguments.place)?;
    let wanted = Wanted::new(&arguments.place, arguments.partitions, arguments.rights)?;
    let patience = Duration::from_secs(arguments.wait);
    let changes = if arguments.dry_run {
        patiently(patience, async || difference::of(&admin, &wanted).await).await?
    } else {
        ensure(&admin, &wanted, patience).await?
    };
    let unknown = patiently(patience, async || unknown::schemas(&admin, &wanted).await).await?;
    report(arguments, &wanted, &changes, &unknown)
}

/// Brings the broker to what is wanted; gives what was changed for that.
///
/// # Errors
/// See [`run`].
pub(crate) async fn ensure(admin: &Admin, wanted: &Wanted, patience: Duration) -> Result<Vec<Change>, Failure> {
    let mut done = Vec::new();
    // Each try begins with what is there, so one that was broken off is gone on with.
    let outcome = patiently(patience, async || {
        for change in difference::of(admin, wanted).await? {
            change.apply(admin, wanted).await?;
            done.push(change);
        }
        Ok(())
    });
    outcome.await?;
    Ok(done)
}

/// The admin interface at `url`, as the settings say who we are and whom we believe.
///
/// # Errors
/// The address or a file cannot be used, or the token would be shown in clear to everybody on the way.
pub(crate) fn admin(url: &str, place: &PlaceArgs) -> Result<Admin, Failure> {
    let token = place.broker_token_file.as_deref().map(read_file).transpose()?.map(Token::new);
    if token.is_some() && !transport::is_safe(url) {
        return Err(Failure::new(
            "a token is shown to the broker over TLS alone: HISTORIA_BROKER_ADMIN must begin with https://",
        ));
    }
    let trust = match &place.broker_certificate_file {
        Some(file) => {
            let text = std::fs::read(file).map_err(|error| Failure::of(&file.display().to_string(), &error))?;
            Trust::with_authority(&text).map_err(|error| Failure::of(&file.display().to_string(), &error))?
        }
        None => Trust::public()?,
    };
    Ok(Admin::trusting(trust, url, token)?)
}

async fn patiently<T>(patience: Duration, mut work: impl AsyncFnMut() -> Result<T, AdminError>) -> Result<T, Failure> {
    let begun = Instant::now();
    loop {
        match work().await {
            Ok(done) => return Ok(done),
            Err(error) if error.is_transient() && begun.elapsed() < patience => tokio::time::sleep(PAUSE).await,
            Err(error) => return Err(error.into()),
        }
    }
}

fn report(
    arguments: &TopicsEnsureArgs,
    wanted: &Wanted,
    changes: &[Change],
    unknown: &[UnknownSchema],
) -> Result<(), Failure> {
    let report = Report {
        namespace: wanted.namespace.to_string(),
        dry_run: arguments.dry_run,
        changes: changes.iter().map(Change::told).collect(),
        unknown_schemas: unknown,
    };
    Output::new(arguments.output).list(&CHANGES, &report)?;
    for schema in unknown {
        output::note(schema.to_string());
    }
    let count = changes.len();
    output::note(match (arguments.dry_run, count) {
        (_, 0) => format!("{} is as it should be", wanted.namespace),
        (true, _) => format!("{count} changes would be made in {}; nothing was changed", wanted.namespace),
        (false, _) => format!("{count} changes were made in {}", wanted.namespace),
    });
    Ok(())
}
