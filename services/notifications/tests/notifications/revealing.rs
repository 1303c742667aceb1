//! Where a mail went, shown to an administrator on the record: the contact was sealed by another service.
use crate::stage::{headers, json, stage};
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use domain_kernel::ports::{KeyVault, Purpose};
use domain_kernel::{Role, StreamId, UserId};
use infra_contracts::event_user::UserCreated;
use serde_json::{Value, json};
use tower::ServiceExt;
use uuid::Uuid;

#[tokio::test]
async fn the_address_that_a_mail_went_to_is_shown_until_it_is_forgotten() {
    let (stage, _) = stage().await;
    let headers = headers("users.user_created", StreamId(Uuid::now_v7()), "users");
    let contact = Some(stage.sealed(&headers, Some("ana@example.org")).await);
    stage.publish_user(headers.clone(), UserCreated { role: 1, contact });
    let notification = stage.outcome(headers.event_id).await.0.headers.stream;
    let token = stage.token(UserId(Uuid::now_v7()), Role::Administrator);
    let reveal = async |show: &str| -> Value {
        let request = Request::post(format!("/operations/streams/{notification}/reveal"))
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(json!({"reason": "where did it go", "show": show}).to_string()))
            .unwrap();
        let response = stage.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        json(response).await
    };
    let events = reveal("events").await;
    let requested = &events["events"][0];
    assert_eq!(requested["type"], "notifications.notification_requested");
    assert_eq!(requested["data"]["contact"]["sealed"]["email"], "ana@example.org");
    assert_eq!(reveal("state").await["state"]["request"]["contact"]["email"], "ana@example.org");

    stage.ports.vault.shred(headers.stream.into(), Purpose::Contact).await.unwrap();
    assert_eq!(reveal("events").await["events"][0]["data"]["contact"]["sealed"], "[erased]");
    assert_eq!(reveal("state").await["state"]["request"]["contact"], "[erased]");
    stage.caught_up().await;
}
