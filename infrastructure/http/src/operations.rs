//! What every service answers to operators, through the gateway: where its projections and consumers stand, its dead
//! letters from outside, letting a projection stand still, and what is sealed, on the record.
//!
//! The addresses are no part of a service's public table, so the gateway passes nothing on to them: it gathers what the
//! services say ([`OperationsView`], [`DeadLetterView`]) into answers of its own. It asks on the operator's behalf, so each
//! service decides itself who may.
mod reveal;
mod views;

pub use infra_disclosure::Revealed;
pub use reveal::{RevealRequest, RevealedPart};
pub use views::{
    BreakerState, BreakerView, ConsumerStandingView, DeadLetterView, LetterPlace, NoLetterPlace, OperationsView,
    OperatorReason, PauseAccepted, PauseView, ProjectionView, RebuildView, UntoldWish,
};

use crate::problem::Problem;
use crate::route::{Access, Route};
use crate::{Caller, StrictJson, StrictPath, StrictQuery};
use axum::extract::State;
use axum::http::{Method, StatusCode};
use axum::{Json, Router, routing};
use chrono::DateTime;
use domain_kernel::ports::Clock;
use domain_kernel::{Role, Timestamp};
use infra_disclosure::{CatalogueError, Confidential, Disclosures};
use infra_event_store::operations::{Found, InHand, Operations, ProjectionStanding};
use infra_event_store::projection::{Projection, ProjectionError};
use infra_runtime::Resources;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Who sees dead letters.
pub const READERS: &[Role] = &[Role::Administrator, Role::Auditor];
/// Who sees how the platform works, and intervenes.
pub const OPERATORS: &[Role] = &[Role::Administrator];

/// Where a service says how it stands.
pub const STATUS_PATH: &str = "/operations/status";
/// Where a service lists its dead letters: `?limit=…&after=…`, or `?id=…` for the one.
pub const LETTERS_PATH: &str = "/operations/dead-letters";
/// Below it `/{name}/pause` and `/{name}/resume`.
pub const PROJECTIONS_PATH: &str = "/operations/projections";
/// Below it `/{stream}/reveal`.
pub const STREAMS_PATH: &str = "/operations/streams";

/// Below it `/retry` and `/skip`, at the saga log: wishes about failures that it was not told of.
pub const UNTOLD_PATH: &str = "/operations/untold-failures";

/// The most letters in one answer: one more than the largest page, which tells whether there is another.
const MOST_LETTERS: usize = 101;
const OUTAGE: Duration = Duration::from_secs(2);

/// The part of a service's router that is for operators.
pub struct ServiceOperations {
    name: &'static str,
    operations: Operations,
    consumers: Vec<(&'static str, InHand)>,
    clock: Arc<dyn Clock>,
    disclosures: Option<Disclosures>,
}

impl ServiceOperations {
    /// Of a service with those projections and consumers, each with what it has in hand.
    #[must_use]
    pub fn new(
        resources: &Resources,
        projections: Vec<Arc<dyn Projection>>,
        consumers: Vec<(&'static str, InHand)>,
    ) -> Self {
        let operations = Operations::new(resources.pool.clone(), projections);
        let clock = Arc::clone(&resources.clock);
        Self { name: resources.service, operations, consumers, clock, disclosures: None }
    }

    /// Of a service that seals what `confidential` says: it is shown to administrators, on the record.
    ///
    /// # Errors
    /// [`CatalogueError`]: a mistake in the service's code.
    pub fn revealing(self, resources: &Resources, confidential: Confidential) -> Result<Self, CatalogueError> {
        let (store, vault) = (Arc::clone(&resources.store), Arc::clone(&resources.vault));
        let disclosures = Disclosures::new(store, vault, Arc::clone(&resources.clock), confidential)?;
        Ok(Self { disclosures: Some(disclosures), ..self })
    }

    /// The service's own `routes` with those for operators.
    #[must_use]
    pub fn beside(mut routes: Vec<Route>) -> Vec<Route> {
        routes.extend([
            Route::new(Method::GET, STATUS_PATH, Access::Roles(OPERATORS)),
            Route::new(Method::GET, LETTERS_PATH, Access::Roles(READERS)),
            Route::new(Method::POST, "/operations/projections/{name}/pause", Access::Roles(OPERATORS)),
            Route::new(Method::POST, "/operations/projections/{name}/resume", Access::Roles(OPERATORS)),
            Route::new(Method::POST, "/operations/streams/{stream}/reveal", Access::Roles(OPERATORS)),
        ]);
        routes
    }

    /// Answers them.
    pub fn router(self) -> Router {
        Router::new()
            .route(STATUS_PATH, routing::get(status))
            .route(LETTERS_PATH, routing::get(letters))
            .route("/operations/projections/{name}/pause", routing::post(pause))
            .route("/operations/projections/{name}/resume", routing::post(resume))
            .route("/operations/streams/{stream}/reveal", routing::post(reveal::reveal))
            .with_state(Arc::new(self))
    }
}

async fn status(State(service): State<Arc<ServiceOperations>>) -> Result<Json<OperationsView>, Problem> {
    let now = service.clock.now();
    let projections = service.operations.projections().await.map_err(|error| unavailable(&error))?;
    let parked = service.operations.parked_streams().await?;
    let parked = |name: &str| parked.iter().find(|(consumer, _)| consumer == name).map_or(0, |(_, streams)| *streams);
    let consumers = service.consumers.iter().map(|(name, in_hand)| ConsumerStandingView {
        name: (*name).to_owned(),
        behind_events: in_hand.messages(),
        behind_seconds: in_hand.oldest().map_or(0, |oldest| age(oldest, now)),
        paused: in_hand.is_waiting(),
        parked_streams: u64::try_from(parked(name)).unwrap_or_default(),
    });
    Ok(Json(OperationsView {
        projections: projections.into_iter().map(|standing| projection_view(standing, now)).collect(),
        consumers: consumers.collect(),
        dead_letters: service.operations.letter_count().await?,
    }))
}

/// In whole seconds; 0 where clocks disagree.
fn age(oldest: Timestamp, now: Timestamp) -> u64 {
    u64::try_from(now.millis_since(oldest) / 1_000).unwrap_or_default()
}

fn projection_view(standing: ProjectionStanding, now: Timestamp) -> ProjectionView {
    ProjectionView {
        name: standing.name.to_owned(),
        version: standing.version,
        generation: standing.generation,
        position: standing.checkpoint.position,
        behind_events: standing.lag.events,
        behind_seconds: standing.lag.oldest.map_or(0, |oldest| age(oldest, now)),
        paused: standing.pause.is_some(),
        pause: standing.pause.map(|pause| PauseView {
            since: DateTime::from_timestamp_micros(pause.since.0).unwrap_or_default(),
            by: pause.by.0,
            reason: pause.reason,
        }),
        rebuild: standing.rebuild.map(|rebuild| RebuildView {
            done: rebuild.done,
            total: rebuild.total,
            running: rebuild.busy,
        }),
    }
}

/// Which letters: a page of them, or the one with that id.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LettersQuery {
    limit: Option<usize>,
    after: Option<String>,
    id: Option<Uuid>,
}

async fn letters(
    State(service): State<Arc<ServiceOperations>>,
    StrictQuery(query): StrictQuery<LettersQuery>,
) -> Result<Json<Vec<DeadLetterView>>, Problem> {
    if let Some(id) = query.id {
        let found = service.operations.letter(id).await?;
        return Ok(Json(found.into_iter().map(DeadLetterView::from).collect()));
    }
    let place = query.after.as_deref().map(str::parse::<LetterPlace>).transpose();
    let place = place.map_err(|error| Problem::unprocessable("?after", error.to_string()))?;
    let after = place.and_then(LetterPlace::position);
    let letters = service.operations.letters(after, query.limit.unwrap_or(MOST_LETTERS).min(MOST_LETTERS)).await?;
    Ok(Json(letters.into_iter().map(DeadLetterView::from).collect()))
}

async fn pause(
    State(service): State<Arc<ServiceOperations>>,
    caller: Caller,
    StrictPath(name): StrictPath<String>,
    StrictJson(wish): StrictJson<OperatorReason>,
) -> Result<(StatusCode, Json<PauseAccepted>), Problem> {
    accepted(service.operations.pause(&name, caller.user, &wish.parse()?).await, name, true)
}

async fn resume(
    State(service): State<Arc<ServiceOperations>>,
    caller: Caller,
    StrictPath(name): StrictPath<String>,
    StrictJson(wish): StrictJson<OperatorReason>,
) -> Result<(StatusCode, Json<PauseAccepted>), Problem> {
    accepted(service.operations.resume(&name, caller.user, &wish.parse()?).await, name, false)
}

fn accepted(
    done: Result<Found, ProjectionError>,
    name: String,
    paused: bool,
) -> Result<(StatusCode, Json<PauseAccepted>), Problem> {
    match done.map_err(|error| unavailable(&error))? {
        Found::Yes => Ok((StatusCode::ACCEPTED, Json(PauseAccepted { name, paused }))),
        Found::No => Err(Problem::not_found()),
    }
}

fn unavailable(error: &ProjectionError) -> Problem {
    tracing::warn!(error = infra_runtime::supervisor::chain(error), "the projections do not answer");
    Problem::unavailable(OUTAGE)
}
