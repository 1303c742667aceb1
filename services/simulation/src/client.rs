//! The clients: each sends one command, and repeats it under the same `Idempotency-Key` until it is answered.
//!
//! That is what the gateway asks of whoever got no answer, and all of its own logic that can lose or double something.
//! Each command comes from a user of its own, so that its events can be told by their actor.
use crate::defect::Defect;
use crate::plan::{Act, Change, Command, Service};
use crate::platform::Platform;
use crate::ports::lock;
use crate::registration;
use crate::verdict::commands;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use axum::response::Response;
use domain_kernel::{Role, UserId, Version};
use infra_testkit::tokens;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tower::ServiceExt;
use uuid::Uuid;

/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it waits before it asks again.
const PAUSE: Duration = Duration::from_millis(150);

/// What a client was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It took effect: on which result, which has which version now.
    Done { result: Uuid, version: Version },
    /// It was refused, with this status.
    Refused(u16),
}

/// What every client was told, by the command's number.
#[derive(Default)]
pub(crate) struct Answers(Mutex<BTreeMap<usize, Answer>>);

impl Answers {
    pub(crate) fn of(&self, command: usize) -> Option<Answer> {
        lock(&self.0).get(&command).cloned()
    }

    fn note(&self, command: usize, answer: Answer) {
        lock(&self.0).insert(command, answer);
    }
}

/// The user who sends the command of that number.
pub(crate) fn sender(command: usize) -> UserId {
    UserId(Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 + command as u128))
}

/// Sends `command`; comes back when it is answered.
pub(crate) async fn send(platform: Arc<Platform>, answers: Arc<Answers>, command: Command) {
    tokio::time::sleep(Duration::from_millis(command.at_ms.into())).await;
    let target = match command.act {
        Act::File { .. } | Act::Register { .. } => None,
        Act::Change { of, .. } | Act::Read { of } => match filed(&answers, of).await {
            Some(target) => Some(target),
            // Nothing was filed, so there is nothing to change.
            None => return,
        },
    };
    let about = sender(command.number).0;
    let mut repetition = 0;
    let answer = loop {
        // The key is the client's, and the same however often it has to ask.
        repetition += u32::from(platform.world.has(Defect::RepeatedUnderAnotherKey));
        let answer = match command.act {
            Act::Register { name } => registration::register(&platform, command, name).await,
            _ => ask(&platform, command, target, repetition).await,
        };
        if let Some(answer) = answer {
            if !platform.world.answer_is_lost() {
                break answer;
            }
            platform.world.note(None, "a client does not hear the answer to", about);
        }
        tokio::time::sleep(PAUSE).await;
    };
    let what = if matches!(answer, Answer::Done { .. }) { "is answered: done" } else { "is answered: refused" };
    platform.world.note(None, what, about);
    platform.world.witnessed(|_| commands::holds(&platform, command, &answer));
    answers.note(command.number, answer);
}

/// What the command of that number filed, once it is answered.
async fn filed(answers: &Answers, command: usize) -> Option<(Uuid, Version)> {
    loop {
        match answers.of(command) {
            Some(Answer::Done { result, version }) => return Some((result, version)),
            Some(Answer::Refused(_)) => return None,
            None => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// One request; `None` when there is no answer to rely on.
async fn ask(
    platform: &Platform,
    command: Command,
    target: Option<(Uuid, Version)>,
    repetition: u32,
) -> Option<Answer> {
    let doors = platform.door(Service::Results)?;
    let request = request(platform, command, target, repetition)?;
    let router = doors.routers.get(&Service::Results)?.clone();
    platform.world.note(Some(doors.life.place), "is asked by", sender(command.number).0);
    let response = tokio::select! {
        biased;
        // The connection breaks with the process.
        _ = doors.life.end() => return None,
        response = tokio::time::timeout(PATIENCE, router.oneshot(request)) => response.ok()?.ok()?,
    };
    read(command, target, response).await
}

fn request(
    platform: &Platform,
    command: Command,
    target: Option<(Uuid, Version)>,
    repetition: u32,
) -> Option<Request<Body>> {
    let id = target.map(|(id, _)| id);
    let (method, path, body) = match command.act {
        Act::File { as_final } => {
            let status = if as_final { "final" } else { "preliminary" };
            let body = format!(
                r#"{{"patient":"P","result":"R","patient_email":"p{}@example.org","status":"{status}"}}"#,
                command.number
            );
            (Method::POST, "/results".to_owned(), body)
        }
        Act::Change { change, .. } => {
            let text = command.number;
            let body = match change {
                Change::Release => r#"{"status":"final"}"#.to_owned(),
                Change::Amend => format!(r#"{{"result":"{text}","reason":"r"}}"#),
                Change::Correct => format!(r#"{{"result":"{text}","reason":"r","kind":"corrected"}}"#),
                Change::EnterInError => r#"{"status":"entered_in_error","reason":"r"}"#.to_owned(),
            };
            (Method::PATCH, format!("/results/{}", id?), body)
        }
        Act::Read { .. } => (Method::GET, format!("/results/{}", id?), String::new()),
        Act::Register { .. } => return None,
    };
    let token = tokens::of_user(Service::Results.name(), sender(command.number), Role::Laboratory, &*platform.world);
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json")
        .header("idempotency-key", format!("key-{}-{repetition}", command.number));
    if let (Act::Change { if_match: true, .. }, Some((_, version))) = (command.act, target) {
        request = request.header(header::IF_MATCH, format!("\"{version}\""));
    }
    request.body(Body::from(body)).ok()
}

async fn read(command: Command, target: Option<(Uuid, Version)>, response: Response) -> Option<Answer> {
    let status = response.status();
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return None;
    }
    if !status.is_success() {
        return Some(Answer::Refused(status.as_u16()));
    }
    let headers = response.headers();
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let version = text(header::ETAG)?.trim_matches('"').parse().ok().map(Version)?;
    let result = match command.act {
        Act::File { .. } => text(header::LOCATION)?.rsplit('/').next().and_then(|id| Uuid::try_parse(id).ok())?,
        _ => target?.0,
    };
    // An answer that breaks off is none.
    to_bytes(response.into_body(), usize::MAX).await.ok()?;
    Some(Answer::Done { result, version })
}
