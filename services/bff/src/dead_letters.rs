//! Every service's dead letters in one list: ids and codes, never what is in them.
//!
//! The gateway gathers; a service that does not answer is named and takes nothing else with it. What an operator wishes of
//! a letter goes to the saga log, which writes it down as part of the letter's saga; the consumer fulfils it.
use crate::SAGA_LOG;
use crate::compose::PART_DEADLINE;
use crate::exchange::OnBehalf;
use crate::forward::Taken;
use crate::gateway::{Gateway, Session, no_answer};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use domain_kernel::message::topics;
use futures_util::future::join_all;
use infra_contracts::catalogue;
use infra_http::operations::{DeadLetterView, LETTERS_PATH, LetterPlace, OperatorReason, UNTOLD_PATH, UntoldWish};
use infra_http::page::{PageQuery, limit};
use infra_http::problem::ProblemDocument;
use infra_http::{Problem, RequestIds, StrictPath, StrictQuery, json};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use uuid::Uuid;

pub(crate) fn router(gateway: &Arc<Gateway>) -> Router {
    Router::new()
        .route("/dead-letters", get(list))
        .route("/dead-letters/{id}", get(show))
        .route("/dead-letters/{id}/retry", post(retry))
        .route("/dead-letters/{id}/skip", post(skip))
        .with_state(Arc::clone(gateway))
}

/// A message that a consumer could not handle, from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct DeadLetter {
    /// The service whose consumer it is.
    #[schema(example = "notifications")]
    service: &'static str,
    #[serde(flatten)]
    letter: DeadLetterView,
}

impl DeadLetter {
    /// The event's type as the saga log shows it.
    fn of(service: &'static str, letter: DeadLetterView) -> Self {
        let display = catalogue::find(&letter.event_type).map(|published| published.display.to_owned());
        Self { service, letter: DeadLetterView { event_type: display.unwrap_or(letter.event_type), ..letter } }
    }
}

/// A page of dead letters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct DeadLetterPage {
    /// The letters, the oldest first.
    items: Vec<DeadLetter>,
    /// The cursor of the next page; `null` on the last.
    next: Option<String>,
    /// Services that did not answer; their letters are missing here.
    unavailable: Vec<&'static str>,
}

/// What could not be handled, the oldest first
///
/// Of every service's consumers. A service that does not answer is named in `unavailable`.
#[utoipa::path(
    get,
    path = "/dead-letters",
    operation_id = "list_dead_letters",
    tag = "operations",
    params(PageQuery),
    responses(
        (status = 200, description = "A page of dead letters.", body = DeadLetterPage),
        (status = 400, description = "The cursor is not one of this list.", body = ProblemDocument),
        (status = 422, description = "A parameter breaks a rule.", body = ProblemDocument),
    ),
)]
pub(crate) async fn list(
    State(gateway): State<Arc<Gateway>>,
    Extension(session): Extension<Session>,
    Extension(ids): Extension<RequestIds>,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<Json<DeadLetterPage>, Problem> {
    let limit = limit(query.limit)?;
    let after = query
        .cursor
        .as_deref()
        .map(str::parse::<LetterPlace>)
        .transpose()
        .map_err(|_| Problem::bad_request("The cursor is not one of this list.").field("?cursor", "is not ours"))?;
    // One more than asked for tells whether there is a next page.
    let mut path = format!("{LETTERS_PATH}?limit={}", limit + 1);
    if let Some(after) = after {
        path.push_str(&format!("&after={after}"));
    }
    let on_behalf = OnBehalf::User(&session.0);
    let answers = join_all(gateway.services().map(|service| {
        let (gateway, path, ids) = (&gateway, &path, &ids);
        async move { (service, gateway.part::<Vec<DeadLetterView>>(service, on_behalf, path, ids).await) }
    }))
    .await;
    let (mut found, mut unavailable) = (Vec::new(), Vec::new());
    for (service, answer) in answers {
        match answer {
            Some(letters) => found.extend(letters.into_iter().map(|letter| (service, letter))),
            None => unavailable.push(service),
        }
    }
    found.sort_by_key(|(_, letter)| LetterPlace::of(letter));
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|(_, letter)| LetterPlace::of(letter).to_string());
    let items = found.into_iter().map(|(service, letter)| DeadLetter::of(service, letter)).collect();
    Ok(Json(DeadLetterPage { items, next, unavailable }))
}

/// One dead letter
#[utoipa::path(
    get,
    path = "/dead-letters/{id}",
    operation_id = "read_dead_letter",
    tag = "operations",
    params(("id" = Uuid, Path, description = "The letter.")),
    responses(
        (status = 200, description = "The letter.", body = DeadLetter),
        (status = 404, description = "No such letter (any more).", body = ProblemDocument),
        (status = 503, description = "Not every service answers, and the others do not have it.", body = ProblemDocument),
    ),
)]
pub(crate) async fn show(
    State(gateway): State<Arc<Gateway>>,
    Extension(session): Extension<Session>,
    Extension(ids): Extension<RequestIds>,
    StrictPath(id): StrictPath<Uuid>,
) -> Result<Json<DeadLetter>, Problem> {
    let (service, letter) = gateway.letter(OnBehalf::User(&session.0), &ids, id).await?;
    Ok(Json(DeadLetter::of(service, letter)))
}

/// Ask the consumer of a dead letter to take it again
#[utoipa::path(
    post,
    path = "/dead-letters/{id}/retry",
    operation_id = "retry_dead_letter",
    tag = "operations",
    params(("id" = Uuid, Path, description = "The letter.")),
    request_body = OperatorReason,
    responses(
        (status = 202, description = "Asked for; the saga log shows what comes of it."),
        (status = 400, description = "The body is no JSON.", body = ProblemDocument),
        (status = 404, description = "No such letter (any more).", body = ProblemDocument),
        (status = 409, description = "The saga log has not heard of the failure yet.", body = ProblemDocument),
        (status = 422, description = "The body breaks a rule.", body = ProblemDocument),
    ),
)]
pub(crate) async fn retry(
    State(gateway): State<Arc<Gateway>>,
    StrictPath(id): StrictPath<Uuid>,
    request: Request,
) -> Result<Response, Problem> {
    gateway.wish("retry", id, request).await
}

/// Ask the consumer of a dead letter to set it aside
///
/// What waits behind it goes on. The letter of a clinical event is never set aside.
#[utoipa::path(
    post,
    path = "/dead-letters/{id}/skip",
    operation_id = "skip_dead_letter",
    tag = "operations",
    params(("id" = Uuid, Path, description = "The letter.")),
    request_body = OperatorReason,
    responses(
        (status = 202, description = "Asked for; the saga log shows what comes of it."),
        (status = 400, description = "The body is no JSON.", body = ProblemDocument),
        (status = 404, description = "No such letter (any more).", body = ProblemDocument),
        (
            status = 409,
            description = "The event is clinical (`clinical_event`), or the saga log has not heard of the failure yet.",
            body = ProblemDocument
        ),
        (status = 422, description = "The body breaks a rule.", body = ProblemDocument),
    ),
)]
pub(crate) async fn skip(
    State(gateway): State<Arc<Gateway>>,
    StrictPath(id): StrictPath<Uuid>,
    request: Request,
) -> Result<Response, Problem> {
    gateway.wish("skip", id, request).await
}

/// What the saga log is asked.
#[derive(Serialize)]
struct Wish<'a> {
    reason: &'a str,
    consumer: &'a str,
}

/// Whether the saga log is told that `consumer` gave up a message of `topic`. Its own consumer has nobody to tell, and of
/// messages about messages nobody tells.
pub(crate) fn is_told_of(consumer: &str, topic: &str) -> bool {
    consumer != SAGA_LOG && !topics::is_about_messages(topic)
}

/// What the saga log has to be told of a failure that it was not told of.
fn untold(OperatorReason { reason }: OperatorReason, letter: DeadLetterView) -> UntoldWish {
    UntoldWish {
        reason,
        event_id: letter.event_id,
        correlation_id: letter.correlation_id,
        topic: letter.topic,
        aggregate: letter.aggregate,
        consumer: letter.consumer,
        attempts: u32::try_from(letter.attempts).unwrap_or_default(),
    }
}

impl Gateway {
    /// A service's part of an answer; `None` when it does not come in time, or is not what it should be.
    pub(crate) async fn part<T: DeserializeOwned>(
        &self,
        service: &'static str,
        on_behalf: OnBehalf<'_>,
        path: &str,
        ids: &RequestIds,
    ) -> Option<T> {
        let answer = self.get_json(service, on_behalf, path, Some(ids), PART_DEADLINE).await?;
        serde_json::from_value(answer)
            .inspect_err(|error| tracing::error!(service.name = service, %error, "an answer has another shape"))
            .ok()
    }

    /// The letter of that id, and whose it is.
    async fn letter(
        &self,
        on_behalf: OnBehalf<'_>,
        ids: &RequestIds,
        id: Uuid,
    ) -> Result<(&'static str, DeadLetterView), Problem> {
        let path = format!("{LETTERS_PATH}?id={id}");
        let answers = join_all(self.services().map(|service| {
            let path = &path;
            async move { (service, self.part::<Vec<DeadLetterView>>(service, on_behalf, path, ids).await) }
        }))
        .await;
        let mut silent = None;
        for (service, answer) in answers {
            match answer {
                Some(letters) => {
                    if let Some(letter) = letters.into_iter().next() {
                        return Ok((service, letter));
                    }
                }
                None => silent = Some(service),
            }
        }
        // Somebody who did not answer may have it.
        Err(silent.map_or_else(Problem::not_found, no_answer))
    }

    /// Passes what an operator wishes of a letter on to the saga log, as a wish about the letter's event and consumer; of a
    /// failure that the log was not told of, with what the letter says of it.
    async fn wish(&self, wish: &'static str, id: Uuid, request: Request) -> Result<Response, Problem> {
        let mut taken = Taken::from(request).await?;
        let reason: OperatorReason = json::parse(&taken.body)?;
        let ids = taken.ids.clone().ok_or_else(Problem::internal)?;
        let why = reason.parse()?;
        let (_, letter) = self.letter(taken.on_behalf(), &ids, id).await?;
        let (address, asked) = if is_told_of(&letter.consumer, &letter.topic) {
            let asked = serde_json::to_vec(&Wish { reason: why.as_str(), consumer: &letter.consumer });
            (format!("/saga/logs/{}/{wish}", letter.event_id), asked)
        } else {
            (format!("{UNTOLD_PATH}/{wish}"), serde_json::to_vec(&untold(reason, letter)))
        };
        taken.body = asked.map_err(|_| Problem::internal())?.into();
        let uri: Uri = address.parse().map_err(|_| Problem::internal())?;
        let answer = self.pass_on(SAGA_LOG, &taken, uri).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Err(Problem::conflict("nothing_failed", "The saga log does not know of this failure."));
        }
        Ok(answer.map(Body::from))
    }
}
