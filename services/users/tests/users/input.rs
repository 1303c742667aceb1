//! Bad input: the field is named, nothing is stored.
use crate::lab::{Lab, Who};
use serde_json::{Value, json};

#[tokio::test]
async fn what_breaks_a_rule_is_named_by_field_and_stores_nothing() {
    let lab = Lab::demo().await;
    let with = |field: &str, value: Value| {
        let mut body = json!({"username": "usuario2", "password": "password2"});
        body[field] = value;
        body
    };
    for (body, field) in [
        (with("username", json!("")), "/username"),
        (with("username", json!("ab")), "/username"),
        (with("username", json!("a".repeat(65))), "/username"),
        (with("username", json!("dos\nlíneas")), "/username"),
        (with("password", json!("12345")), "/password"),
        (with("password", json!("a".repeat(129))), "/password"),
        (with("role", json!(0)), "/role"),
        (with("role", json!(10)), "/role"),
        (with("role", json!("root")), "/role"),
        (with("role", json!(1.5)), "/role"),
        (with("role", json!([])), "/role"),
        (with("email", json!("ana")), "/email"),
        (with("email", json!("ana@laboratorio.cl\r\nBcc: x@y.z")), "/email"),
        (with("full_name", json!("  ")), "/full_name"),
        (with("full_name", json!("a".repeat(121))), "/full_name"),
        (with("admin", json!(true)), "/admin"),
        (json!({"password": "password2"}), "/username"),
        (json!({"username": "usuario2"}), "/password"),
        (json!({"username": 2, "password": "password2"}), "/username"),
    ] {
        let answer = lab.register(body.clone()).await.expect(422);
        assert_eq!(answer.faults(), [field], "{body}");
    }
    let events = lab.resources.store.read_all(domain_kernel::Checkpoint::default(), 10).await.unwrap();
    assert_eq!(events.len(), 0);
}

#[tokio::test]
async fn everything_that_is_wrong_is_named_at_once() {
    let lab = Lab::demo().await;
    let answer = lab.register(json!({"username": "a", "password": "b", "role": 99, "email": "c"})).await.expect(422);
    assert_eq!(answer.faults(), ["/username", "/password", "/role", "/email"]);
}

#[tokio::test]
async fn a_refused_password_is_not_repeated_in_the_answer() {
    let lab = Lab::demo().await;
    let answer = lab.register(json!({"username": "usuario2", "password": "zx7!q"})).await.expect(422);
    assert!(!answer.body.to_string().contains("zx7!q"));
}

#[tokio::test]
async fn in_production_a_password_has_8_characters() {
    let lab = Lab::production().await;
    let root = lab.root().await;
    let body = |password: &str| Some(json!({"username": "usuario2", "password": password, "role": 1}));
    let answer = lab.send(root, "POST", "/users", body("1234567")).await.expect(422);
    assert_eq!(answer.faults(), ["/password"]);
    lab.send(root, "POST", "/users", body("12345678")).await.expect(201);
}

#[tokio::test]
async fn a_filter_that_does_not_exist_is_named() {
    let lab = Lab::with_root().await;
    let root = lab.root().await;
    for (query, parameter) in
        [("role=root", "?role"), ("role=12", "?role"), ("status=gone", "?status"), ("limit=101", "?limit")]
    {
        let answer = lab.send(root, "GET", &format!("/users?{query}"), None).await.expect(422);
        assert_eq!(answer.faults(), [parameter]);
    }
    lab.send(root, "GET", "/users?cursor=AAAA", None).await.expect(400);
}

#[tokio::test]
async fn a_change_that_breaks_a_rule_is_named_and_changes_nothing() {
    let lab = Lab::with_root().await;
    let user = lab.user("usuario2").await;
    let root = lab.root().await;
    let path = format!("/users/{user}");
    for (body, field) in [
        (json!({"role": "root"}), "/role"),
        (json!({"email": "ana", "full_name": "Ana Soto"}), "/email"),
        (json!({"full_name": ""}), "/full_name"),
        (json!({"username": "otra"}), "/username"),
    ] {
        assert_eq!(lab.send(root, "PATCH", &path, Some(body)).await.expect(422).faults(), [field]);
    }
    assert_eq!(lab.history(user).await.len(), 2);
}

#[tokio::test]
async fn a_new_password_is_held_to_the_rules() {
    let lab = Lab::demo().await;
    lab.user("usuario2").await;
    let session = lab.log_in("usuario2", "password2").await;
    let body = json!({"current_password": "password2", "new_password": "12345"});
    let answer = lab.send(session.who, "POST", "/me/password", Some(body)).await.expect(422);
    assert_eq!(answer.faults(), ["/new_password"]);
    lab.send(Who::Nobody, "POST", "/me/password", Some(json!({}))).await.expect(401);
}
