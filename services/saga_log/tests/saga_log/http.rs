//! Who sees which sagas, and how they are found.
use crate::stage::{Stage, Told, failed, ids, ids_of, new_saga, result_created, stage, told, user_created};
use axum::http::StatusCode;
use domain_kernel::{Message, Role, UserId};
use serde_json::{Value, json};
use uuid::Uuid;

fn somebody() -> UserId {
    UserId(Uuid::now_v7())
}

/// A saga that `laboratory` started, one about `account`, and one of strangers; in this order.
async fn three_sagas(stage: &Stage, laboratory: UserId, account: UserId) -> [Message; 3] {
    let started = result_created(new_saga(), Some(laboratory));
    let about = user_created(new_saga(), account, None);
    let strange = result_created(new_saga(), Some(somebody()));
    stage.hear([&started, &about, &strange]).await;
    [started, about, strange]
}

async fn seen(stage: &Stage, user: UserId, role: Role) -> Vec<String> {
    let (status, page) = stage.get("/saga/logs", &stage.token(user, role)).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    ids(&page)
}

async fn administrator(stage: &Stage, path: &str) -> (StatusCode, Value) {
    stage.get(path, &stage.token(somebody(), Role::Administrator)).await
}

#[tokio::test]
async fn administrator_and_auditor_see_every_saga_newest_first() {
    let stage = stage().await;
    let [first, second, third] = three_sagas(&stage, somebody(), somebody()).await;
    for role in [Role::Administrator, Role::Auditor] {
        assert_eq!(seen(&stage, somebody(), role).await, ids_of([&third, &second, &first]), "{role}");
    }
}

#[tokio::test]
async fn a_laboratory_sees_the_sagas_it_started_and_those_about_its_account() {
    let stage = stage().await;
    let user = somebody();
    let [started, about, strange] = three_sagas(&stage, user, user).await;
    // Everything of the saga, also what others did in it.
    let sent = told(&started, &Told::Sent, 1);
    stage.hear([&sent]).await;
    assert_eq!(seen(&stage, user, Role::Laboratory).await, ids_of([&sent, &about, &started]));
    assert_eq!(seen(&stage, somebody(), Role::Laboratory).await, Vec::<String>::new());

    let token = stage.token(user, Role::Laboratory);
    let (own, _) = stage.get(&format!("/saga/logs/{}", started.headers.event_id), &token).await;
    assert_eq!(own, StatusCode::OK);
    let (foreign, _) = stage.get(&format!("/saga/logs/{}", strange.headers.event_id), &token).await;
    let (unknown, _) = stage.get(&format!("/saga/logs/{}", Uuid::now_v7()), &token).await;
    assert_eq!([foreign, unknown], [StatusCode::NOT_FOUND; 2], "nobody learns what exists");
}

#[tokio::test]
async fn who_is_only_part_of_a_saga_did_not_start_it() {
    let stage = stage().await;
    let user = somebody();
    let created = result_created(new_saga(), Some(somebody()));
    let mut sent = told(&created, &Told::Sent, 1);
    sent.headers.actor = Some(user);
    stage.hear([&created, &sent]).await;
    assert_eq!(seen(&stage, user, Role::Laboratory).await, Vec::<String>::new());
}

#[tokio::test]
async fn the_other_roles_see_no_saga_log() {
    let stage = stage().await;
    let user = somebody();
    let [started, ..] = three_sagas(&stage, user, user).await;
    let readers = [Role::Laboratory, Role::Administrator, Role::Auditor];
    for role in Role::ALL.into_iter().filter(|role| !readers.contains(role)) {
        for path in ["/saga/logs".to_owned(), format!("/saga/logs/{}", started.headers.event_id)] {
            let (status, _) = stage.get(&path, &stage.token(user, role)).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{role} {path}");
        }
    }
}

#[tokio::test]
async fn the_list_is_filtered_by_state_type_saga_and_time() {
    let stage = stage().await;
    let [result, user, other] = three_sagas(&stage, somebody(), somebody()).await;
    stage.hear([&failed(&other, "notifications", 3, Some("refused"))]).await;

    let at = |message: &Message| {
        chrono::DateTime::from_timestamp_micros(message.headers.occurred_at.0).unwrap().to_rfc3339().replace('+', "%2B")
    };
    for (query, expected) in [
        ("state=FAILED".to_owned(), vec![&other]),
        ("state=received".to_owned(), vec![&user, &result]),
        ("type=UserCreated".to_owned(), vec![&user]),
        ("type=ResultCreated&state=RECEIVED".to_owned(), vec![&result]),
        (format!("correlation_id={}", result.headers.correlation_id), vec![&result]),
        (format!("from={}", at(&user)), vec![&other, &user]),
        (format!("to={}", at(&user)), vec![&result]),
        (format!("from={}&to={}", at(&user), at(&other)), vec![&user]),
        ("from=2999-01-01".to_owned(), vec![]),
    ] {
        let (status, page) = administrator(&stage, &format!("/saga/logs?{query}")).await;
        assert_eq!(status, StatusCode::OK, "{query}: {page}");
        assert_eq!(ids(&page), ids_of(expected), "{query}");
    }
    for query in ["state=LOST", "from=yesterday", "correlation_id=7", "limit=0", "sort=up"] {
        let (status, _) = administrator(&stage, &format!("/saga/logs?{query}")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
    }
}

#[tokio::test]
async fn a_page_has_ten_events_and_a_cursor_to_the_next() {
    let stage = stage().await;
    let messages: Vec<Message> = (0..12).map(|_| result_created(new_saga(), None)).collect();
    stage.hear(&messages).await;
    let (_, first) = administrator(&stage, "/saga/logs").await;
    let (_, second) = administrator(&stage, &format!("/saga/logs?cursor={}", first["next"].as_str().unwrap())).await;
    assert_eq!((ids(&first).len(), ids(&second).len()), (10, 2));
    assert_eq!([ids(&first), ids(&second)].concat(), ids_of(messages.iter().rev()));
    assert_eq!(second["next"], Value::Null);
}

#[tokio::test]
async fn an_event_is_shown_with_its_whole_saga_oldest_first() {
    let stage = stage().await;
    let created = result_created(new_saga(), None);
    let sent = told(&created, &Told::Sent, 1);
    stage.hear([&sent, &created, &result_created(new_saga(), None)]).await;
    let shown = stage.shown(&sent).await;
    assert_eq!(shown["id"], sent.headers.event_id.to_string());
    assert_eq!(ids(&json!({"items": shown["saga"]})), ids_of([&created, &sent]));
}

#[tokio::test]
async fn a_list_waits_for_the_write_that_it_has_to_hold() {
    let stage = stage().await;
    let token = stage.token(somebody(), Role::Administrator);
    let created = user_created(new_saga(), somebody(), None);
    // The account's creation has a private event beside the published one.
    let position = format!("{}@1-2", created.headers.stream);
    let reading = stage.get_after("/saga/logs", &token, &position);
    let telling = async { stage.publish([&created]) };
    let ((status, page, fresh), ()) = tokio::join!(reading, telling);
    assert_eq!((status, fresh), (StatusCode::OK, true));
    assert_eq!(ids(&page), ids_of([&created]));
}

#[tokio::test]
async fn a_list_that_does_not_come_to_hold_a_write_in_time_says_so() {
    let stage = stage().await;
    let token = stage.token(somebody(), Role::Administrator);
    let (status, page, fresh) = stage.get_after("/saga/logs", &token, &format!("{}@1", Uuid::now_v7())).await;
    assert_eq!((status, fresh, ids(&page)), (StatusCode::OK, false, vec![]));
    let (status, ..) = stage.get_after("/saga/logs", &token, "yesterday").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}
