//! A message that a consumer gave up on, on a running platform: told of, tried again, skipped, from the command line.
use crate::client::Client;
use crate::mail_catcher::MailCatcher;
use crate::operating::Operator;
use crate::platform::{DataDirectory, Platform};
use crate::schemas;
use hyper::StatusCode;
use infra_runtime::{database, postgres};
use infra_testkit::wait_for;
use serde_json::{Value, json};
use sqlx::PgPool;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// The notifications' database refuses every new request to tell somebody (its type is number 1), for good as far as the
/// consumer can know: a value that does not fit never will.
const REFUSE: &str = "alter table event add constraint nothing_is_requested check (type_id <> 1) not valid";
const ALLOW: &str = "alter table event drop constraint nothing_is_requested";

async fn owner_of_notifications(data: &DataDirectory) -> PgPool {
    let options = postgres::running(&data.path().join("postgres")).unwrap().unwrap();
    database::pool(options.database("historia_notifications"), 1).await.unwrap()
}

/// The letters there are, once there are as many.
async fn letters(administrator: &Operator<'_>, wanted: usize) -> Vec<Value> {
    wait_for("the letters", PATIENCE, async || {
        let listed = administrator.told(&["dead-letters", "list"]);
        let items = listed["items"].as_array().unwrap().clone();
        (items.len() == wanted).then_some(items)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_tried_again_or_skipped_from_the_command_line_and_its_saga_is_settled() {
    let (data, mail) = (DataDirectory::new(), MailCatcher::start());
    let platform = Platform::up(&data, &["--smtp-url", &format!("smtp://{}", mail.address)]);
    let administrator = Operator::new(&data, "administrator");
    let secret = data.path().join("secrets/administrator-password").display().to_string();
    administrator.log_in(&platform.url, "admin", &secret);
    wait_for("the administrator's own mail", PATIENCE, async || (mail.count() == 1).then_some(())).await;

    let notifications = owner_of_notifications(&data).await;
    sqlx::raw_sql(REFUSE).execute(&notifications).await.unwrap();
    for username in ["usuario2", "usuario3"] {
        let account = json!({"username": username, "password": "password2", "role": 1});
        assert_eq!(Client::new(&platform.url).post("/users", account).await.status, StatusCode::CREATED);
    }
    let found = letters(&administrator, 2).await;
    sqlx::raw_sql(ALLOW).execute(&notifications).await.unwrap();
    notifications.close().await;
    for letter in &found {
        assert_eq!(
            (&letter["service"], &letter["code"]),
            (&json!("notifications"), &json!("append_malformed")),
            "{letter}"
        );
    }
    let text = |letter: &Value, field: &str| letter[field].as_str().unwrap().to_owned();
    let (again, never) = (text(&found[0], "id"), text(&found[1], "id"));
    let saga = |letter: &Value| text(letter, "event_id");
    let state = |event: &str| administrator.told(&["saga", "show", event])["state"].clone();
    let shown = administrator.told(&["dead-letters", "show", &again]);
    schemas::check_answer("DeadLetter", &shown);
    for letter in &found {
        wait_for("the saga to tell of it", PATIENCE, async || (state(&saga(letter)) == "FAILED").then_some(())).await;
    }

    let retry = ["dead-letters", "retry", &again, "--reason", "the table was mended"];
    administrator.told(&[&retry[..], &["--dry-run"]].concat());
    assert_eq!(letters(&administrator, 2).await.len(), 2, "a dry run changes nothing");
    administrator.told(&retry);
    wait_for("the saga to be settled", PATIENCE, async || (state(&saga(&found[0])) == "PROCESSED").then_some(())).await;
    wait_for("the mail", PATIENCE, async || (mail.count() == 2).then_some(())).await;
    assert_eq!(text(&letters(&administrator, 1).await[0], "id"), never);
    administrator.refused(&retry, 4, "not_found");

    let skip = ["dead-letters", "skip", &never, "--reason", "the account was made by mistake"];
    administrator.refused(&skip, 2, "--yes");
    administrator.told(&[&skip[..], &["-y"]].concat());
    wait_for("the skipped saga to be settled", PATIENCE, async || {
        (state(&saga(&found[1])) == "PROCESSED").then_some(())
    })
    .await;
    assert_eq!(letters(&administrator, 0).await, Vec::<Value>::new());
    assert_eq!(mail.count(), 2, "who was skipped got no mail");
    platform.interrupt();
}
