//! Registering users.
use crate::lab::{Lab, Who};
use domain_kernel::message::topics;
use infra_contracts::event_user::{self, UserEvent};
use infra_testkit::wait_for;
use serde_json::{Value, json};
use service_users::type_id::{PASSWORD_SET, USER_CREATED};
use uuid::Uuid;

fn usuario2() -> Value {
    json!({"username": "usuario2", "password": "password2", "role": 1})
}

#[tokio::test]
async fn a_user_is_registered() {
    let lab = Lab::demo().await;
    let body = json!({
        "username": " Usuario2 ", "password": "password2", "role": 2,
        "email": "Ana.Soto@laboratorio.cl", "full_name": " Ana Soto Díaz ",
    });
    let answer = lab.register(body).await.expect(201);
    let id = answer.text("id");
    assert_eq!(answer.header("location"), format!("/users/{id}"));
    assert!(answer.header("historia-correlation-id").parse::<Uuid>().is_ok());
    assert_eq!(
        answer.body,
        json!({
            "id": id, "username": "usuario2", "role": 2, "role_name": "physician",
            "email": "ana.soto@laboratorio.cl", "full_name": "Ana Soto Díaz", "status": "active",
            "created_at": "2026-01-01T00:00:00.000000Z",
        })
    );
}

#[tokio::test]
async fn user_and_password_are_stored_together() {
    let lab = Lab::demo().await;
    let user = lab.user("usuario2").await;
    assert_eq!(lab.history(user).await, [USER_CREATED, PASSWORD_SET]);
}

#[tokio::test]
async fn who_says_no_role_is_of_the_laboratory() {
    let lab = Lab::demo().await;
    let answer = lab.register(json!({"username": "usuario2", "password": "password2"})).await.expect(201);
    assert_eq!((&answer.body["role"], &answer.body["role_name"]), (&json!(1), &json!("laboratory")));
}

#[tokio::test]
async fn a_role_is_taken_by_number_or_by_name() {
    let lab = Lab::demo().await;
    for (name, role, number) in [("uno", json!(2), 2), ("dos", json!("physician"), 2), ("tres", json!("patient"), 3)] {
        let answer = lab.register(json!({"username": name, "password": "password2", "role": role})).await.expect(201);
        assert_eq!(answer.body["role"], json!(number));
    }
}

#[tokio::test]
async fn in_the_demo_who_gives_no_address_gets_one_for_mails() {
    let lab = Lab::demo().await;
    let answer = lab.register(usuario2()).await.expect(201);
    assert_eq!(answer.text("email"), "usuario2@lab.local");
}

#[tokio::test]
async fn in_production_who_gives_no_address_has_none() {
    let lab = Lab::production().await;
    let root = lab.root().await;
    let body = json!({"username": "usuario2", "password": "una frase", "role": 1});
    let answer = lab.send(root, "POST", "/users", Some(body)).await.expect(201);
    assert_eq!(answer.body["email"], Value::Null);
}

#[tokio::test]
async fn a_username_is_taken_once_in_every_spelling() {
    let lab = Lab::demo().await;
    lab.register(usuario2()).await.expect(201);
    for spelling in ["usuario2", " USUARIO2"] {
        let answer = lab.register(json!({"username": spelling, "password": "other password"})).await.expect(409);
        assert_eq!(answer.faults(), ["/username"]);
    }
}

#[tokio::test]
async fn an_address_is_taken_once() {
    let lab = Lab::demo().await;
    let with_address = |name: &str| json!({"username": name, "password": "password2", "email": "ana@laboratorio.cl"});
    lab.register(with_address("usuario2")).await.expect(201);
    let answer = lab.register(with_address("usuario3")).await.expect(409);
    assert_eq!(answer.faults(), ["/email"]);
    // Nothing of the refused user stays: the name is free.
    lab.register(json!({"username": "usuario3", "password": "password2"})).await.expect(201);
}

#[tokio::test]
async fn an_address_that_the_demo_made_up_is_reserved_for_nobody() {
    let lab = Lab::demo().await;
    lab.register(usuario2()).await.expect(201);
    let given = json!({"username": "otro", "password": "password2", "email": "usuario2@lab.local"});
    lab.register(given).await.expect(201);
}

#[tokio::test]
async fn of_many_who_want_one_name_at_once_one_gets_it() {
    let lab = Lab::demo().await;
    let answers = futures_util::future::join_all((0..8).map(|_| lab.register(usuario2()))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409]);
}

#[tokio::test]
async fn a_repeated_request_is_answered_with_the_same_user() {
    let lab = Lab::demo().await;
    let key = [("idempotency-key", "\"4f1c\"")];
    let send = async |body: Value| lab.send_with(Who::Nobody, "POST", "/users", Some(body), &key).await;
    let first = send(usuario2()).await.expect(201);
    lab.advance(5);
    let second = send(usuario2()).await.expect(201);
    assert_eq!(first.body, second.body);
    for name in ["location", "etag", "historia-correlation-id"] {
        assert_eq!(first.header(name), second.header(name));
    }
    send(json!({"username": "usuario3", "password": "password2"})).await.expect(422);
    let user = first.text("id").parse::<Uuid>().unwrap().into();
    assert_eq!(lab.history(user).await.len(), 2);
}

#[tokio::test]
async fn in_the_demo_other_roles_are_given_by_administrators() {
    let lab = Lab::with_root().await;
    for role in 4..=9 {
        let body = json!({"username": format!("rol{role}"), "password": "password2", "role": role});
        lab.register(body.clone()).await.expect(403);
    }
    let laboratory = lab.user("usuario2").await;
    let body = json!({"username": "auditora", "password": "password2", "role": "auditor"});
    let by_laboratory = Who::User(laboratory, domain_kernel::Role::Laboratory, None);
    lab.send(by_laboratory, "POST", "/users", Some(body.clone())).await.expect(403);
    lab.send(lab.root().await, "POST", "/users", Some(body)).await.expect(201);
}

#[tokio::test]
async fn in_production_administrators_register_users() {
    let lab = Lab::production().await;
    let body = json!({"username": "usuario2", "password": "una frase", "role": 1});
    lab.register(body.clone()).await.expect(401);
    let root = lab.root().await;
    let user = lab.send(root, "POST", "/users", Some(body)).await.expect(201).text("id").parse::<Uuid>().unwrap();
    let laboratory = Who::User(user.into(), domain_kernel::Role::Laboratory, None);
    let another = json!({"username": "usuario3", "password": "una frase", "role": 1});
    lab.send(laboratory, "POST", "/users", Some(another)).await.expect(403);
}

#[tokio::test]
async fn a_new_user_is_told_to_the_other_services() {
    let lab = Lab::demo().await;
    let user = lab.user("usuario2").await;
    let mut subscription = lab.resources.bus.subscribe(topics::EVENT_USER, "notifications").await.unwrap();
    let delivery = subscription.receive().await.unwrap();
    let headers = &delivery.message.headers;
    assert_eq!((headers.stream, headers.event_type.as_str()), (user.into(), "users.user_created"));
    let record = event_user::decode(headers.contract_version, &delivery.message.payload).unwrap();
    let UserEvent::UserCreated(created) = record.event else { panic!("{:?}", record.event) };
    assert_eq!((created.role, created.contact.is_some()), (1, true));
}

#[tokio::test]
async fn the_first_administrator_is_made_once() {
    let lab = Lab::with_root().await;
    let root = lab.root().await;
    lab.listed(root, "/users?role=4", 1).await;
    let lab = lab.restarted(Some((crate::lab::ROOT.0, "another password"))).await;
    let root = lab.root().await;
    lab.listed(root, "/users?role=4", 1).await;
    lab.try_log_in(crate::lab::ROOT.0, "another password").await.expect(401);
}

#[tokio::test]
async fn the_list_follows_registrations() {
    let lab = Lab::with_root().await;
    lab.user("usuario2").await;
    let root = lab.root().await;
    let listed = wait_for("the new user", crate::lab::SOON, async || {
        let answer = lab.send(root, "GET", "/users?role=laboratory", None).await.expect(200);
        answer.body["items"].as_array().unwrap().first().cloned()
    })
    .await;
    assert_eq!((&listed["username"], &listed["email"]), (&json!("usuario2"), &json!("usuario2@lab.local")));
}
