//! What is kept of an account, shown to an administrator on the record; and a log that goes on after it.
use crate::lab::{Answer, Lab, SOON, Who};
use domain_kernel::ports::{KeyVault, Purpose};
use domain_kernel::{Checkpoint, UserId};
use infra_disclosure::disclosure_stream;
use infra_event_store::projection;
use infra_testkit::wait_for;
use serde_json::{Value, json};

async fn reveal(lab: &Lab, who: Who, user: UserId, body: Value) -> Answer {
    lab.send(who, "POST", &format!("/operations/streams/{user}/reveal"), Some(body)).await
}

async fn somebody(lab: &Lab) -> UserId {
    let body = json!({
        "username": "usuario2", "password": "password2", "full_name": "Ana Soto", "email": "ana@laboratorio.cl",
    });
    UserId(lab.register(body).await.expect(201).text("id").parse().unwrap())
}

#[tokio::test]
async fn names_and_addresses_are_shown_and_a_passwords_hash_to_nobody() {
    let lab = Lab::with_root().await;
    let (root, user) = (lab.root().await, somebody(&lab).await);
    let shown = reveal(&lab, root, user, json!({"reason": "whose account is it"})).await.expect(200);
    let events = shown.body["events"].as_array().unwrap();
    let sealed = |name: &str, field: &str| {
        let event = events.iter().find(|event| event["type"] == name).unwrap();
        event["data"][field].clone()
    };
    assert_eq!(
        sealed("users.user_created", "sealed_account"),
        json!({"username": "usuario2", "full_name": "Ana Soto"})
    );
    assert_eq!(sealed("users.user_created", "sealed_contact")["email"], "ana@laboratorio.cl");
    assert_eq!(sealed("users.password_set", "sealed_account"), json!({"password_hash": "[withheld]"}));

    let state = reveal(&lab, root, user, json!({"reason": "x", "show": "state"})).await.expect(200);
    let state = &state.body["state"];
    assert_eq!((&state["username"], &state["full_name"]), (&json!("usuario2"), &json!("Ana Soto")));
    assert_eq!(
        (&state["contact"]["address"], &state["password"]),
        (&json!("ana@laboratorio.cl"), &json!("[withheld]"))
    );

    lab.ports.vault.shred(user.into(), Purpose::Account).await.unwrap();
    let forgotten = reveal(&lab, root, user, json!({"reason": "x", "show": "state"})).await.expect(200);
    assert_eq!(
        (&forgotten.body["state"]["username"], &forgotten.body["state"]["full_name"]),
        (&json!("[erased]"), &json!("[erased]"))
    );
}

#[tokio::test]
async fn everything_that_reads_the_log_goes_on_after_a_record() {
    let lab = Lab::with_root().await;
    let (root, user) = (lab.root().await, somebody(&lab).await);
    reveal(&lab, root, user, json!({"reason": "x"})).await.expect(200);
    let records = disclosure_stream(user.into());
    for (method, body) in [("GET", None), ("PATCH", Some(json!({"role": 2}))), ("DELETE", None)] {
        lab.send(root, method, &format!("/users/{records}"), body).await.expect(404);
    }
    // The sweeper of sessions reads the log too.
    let session = lab.log_in("usuario2", "password2").await;
    lab.send(root, "DELETE", &format!("/users/{user}"), None).await.expect(204);
    wait_for("the session to end", SOON, async || lab.revoked().await.contains(&session.id).then_some(())).await;
    lab.listed(root, "/users?status=deactivated", 1).await;
    for read_model in service_users::projections() {
        let store = &*lab.resources.store;
        let equality = projection::verify(&*read_model, store, &lab.database.pool, |_| ()).await.unwrap();
        assert!(equality.is_equal(), "{equality:?}");
    }
    let publisher = service_users::publisher();
    for event in lab.resources.store.read_all(Checkpoint::default(), 1_000).await.unwrap() {
        for topic in service_users::TOPICS {
            publisher.message(topic, &event).unwrap();
        }
    }
}
