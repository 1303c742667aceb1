//! What administrators do with accounts.
use crate::lab::{Lab, Who};
use domain_kernel::{Role, UserId};
use serde_json::{Value, json};
use uuid::Uuid;

async fn administrator(lab: &Lab, root: Who, name: &str) -> UserId {
    let body = json!({"username": name, "password": "password2", "role": "administrator"});
    UserId(lab.send(root, "POST", "/users", Some(body)).await.expect(201).text("id").parse().unwrap())
}

#[tokio::test]
async fn only_administrators_read_and_change_accounts() {
    let lab = Lab::demo().await;
    let user = lab.user("usuario2").await;
    let one = format!("/users/{user}");
    let again = format!("/users/{user}/reactivate");
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Administrator) {
        let who = Who::User(user, role, None);
        for (method, path) in [("GET", "/users"), ("GET", &one), ("PATCH", &one), ("DELETE", &one), ("POST", &again)] {
            lab.send(who, method, path, None).await.expect(403);
        }
    }
    for (method, path) in [("GET", "/users"), ("GET", &one), ("PATCH", &one), ("DELETE", &one), ("POST", &again)] {
        lab.send(Who::Nobody, method, path, None).await.expect(401);
    }
}

#[tokio::test]
async fn an_unknown_user_is_not_found() {
    let lab = Lab::with_root().await;
    let root = lab.root().await;
    let nobody = Uuid::from_u128(1);
    for (method, path, body) in [
        ("GET", format!("/users/{nobody}"), None),
        ("GET", "/users/1".to_owned(), None),
        ("PATCH", format!("/users/{nobody}"), Some(json!({"role": 2}))),
        ("DELETE", format!("/users/{nobody}"), None),
        ("POST", format!("/users/{nobody}/reactivate"), None),
    ] {
        lab.send(root, method, &path, body).await.expect(404);
    }
}

#[tokio::test]
async fn role_name_and_address_change_together() {
    let lab = Lab::with_root().await;
    let user = lab.user("usuario2").await;
    let root = lab.root().await;
    let path = format!("/users/{user}");
    let body = json!({"role": "physician", "full_name": "Ana Soto Díaz", "email": "ana@laboratorio.cl"});
    let changed = lab.send(root, "PATCH", &path, Some(body)).await.expect(200);
    let read = lab.send(root, "GET", &path, None).await.expect(200);
    assert_eq!(changed.body, read.body);
    assert_eq!(changed.header("etag"), read.header("etag"));
    assert_eq!(
        (&read.body["role"], &read.body["full_name"], &read.body["email"]),
        (&json!(2), &json!("Ana Soto Díaz"), &json!("ana@laboratorio.cl"))
    );
    let listed = lab.listed(root, "/users?role=2", 1).await;
    assert_eq!(listed.body["items"][0], read.body);
}

#[tokio::test]
async fn null_takes_a_value_away_and_absent_leaves_it() {
    let lab = Lab::with_root().await;
    let body = json!({
        "username": "usuario2", "password": "password2", "full_name": "Ana Soto", "email": "ana@laboratorio.cl",
    });
    let path = lab.register(body).await.expect(201).header("location");
    let root = lab.root().await;
    let unchanged = lab.send(root, "PATCH", &path, Some(json!({}))).await.expect(200);
    assert_eq!(unchanged.text("full_name"), "Ana Soto");
    let cleared = json!({"full_name": null, "email": null});
    let changed = lab.send(root, "PATCH", &path, Some(cleared)).await.expect(200);
    assert_eq!(changed.body["full_name"], Value::Null);
    // In the demo everybody has an address for mails.
    assert_eq!(changed.text("email"), "usuario2@lab.local");
}

#[tokio::test]
async fn an_address_that_is_given_up_is_free_for_others() {
    let lab = Lab::with_root().await;
    let with_address = |name: &str| json!({"username": name, "password": "password2", "email": "ana@laboratorio.cl"});
    let path = lab.register(with_address("usuario2")).await.expect(201).header("location");
    let root = lab.root().await;
    lab.send(root, "PATCH", &path, Some(json!({"email": "otra@laboratorio.cl"}))).await.expect(200);
    lab.register(with_address("usuario3")).await.expect(201);
    let taken = lab.send(root, "PATCH", &path, Some(json!({"email": "ANA@laboratorio.cl"}))).await.expect(409);
    assert_eq!(taken.faults(), ["/email"]);
}

#[tokio::test]
async fn a_user_that_changed_since_it_was_read_is_not_changed() {
    let lab = Lab::with_root().await;
    let user = lab.user("usuario2").await;
    let root = lab.root().await;
    let path = format!("/users/{user}");
    let etag = lab.send(root, "GET", &path, None).await.header("etag");
    let change = async |role: u8| {
        let body = Some(json!({"role": role}));
        lab.send_with(root, "PATCH", &path, body, &[("if-match", &etag)]).await
    };
    change(2).await.expect(200);
    change(3).await.expect(412);
    assert_eq!(lab.send(root, "GET", &path, None).await.body["role"], 2);
}

#[tokio::test]
async fn a_deactivated_user_is_logged_out_and_may_not_log_in_until_reactivated() {
    let lab = Lab::with_root().await;
    let user = lab.user("usuario2").await;
    let session = lab.log_in("usuario2", "password2").await;
    let root = lab.root().await;
    let path = format!("/users/{user}");
    for _ in 0..2 {
        lab.send(root, "DELETE", &format!("{path}?reason=dej%C3%B3%20el%20laboratorio"), None).await.expect(204);
    }
    assert_eq!(lab.send(root, "GET", &path, None).await.text("status"), "deactivated");
    assert_eq!(lab.revoked().await, [session.id]);
    lab.refresh(&session.refresh).await.expect(401);
    lab.send(session.who, "GET", "/me", None).await.expect(401);
    lab.try_log_in("usuario2", "password2").await.expect(401);
    lab.send(root, "PATCH", &path, Some(json!({"role": 2}))).await.expect(409);
    lab.listed(root, "/users?status=deactivated", 1).await;

    let again = lab.send(root, "POST", &format!("{path}/reactivate"), None).await.expect(200);
    assert_eq!((again.text("status"), &again.body["role"]), ("active".to_owned(), &json!(1)));
    lab.try_log_in("usuario2", "password2").await.expect(200);
    lab.listed(root, "/users?status=deactivated", 0).await;
}

#[tokio::test]
async fn the_name_of_a_deactivated_user_stays_taken() {
    let lab = Lab::with_root().await;
    let user = lab.user("usuario2").await;
    lab.send(lab.root().await, "DELETE", &format!("/users/{user}"), None).await.expect(204);
    lab.register(json!({"username": "usuario2", "password": "password2"})).await.expect(409);
}

#[tokio::test]
async fn the_last_active_administrator_stays() {
    let lab = Lab::with_root().await;
    let session = lab.log_in(crate::lab::ROOT.0, crate::lab::ROOT.1).await;
    let (root, myself) = (session.who, format!("/users/{}", session.user));
    let refused = lab.send(root, "DELETE", &myself, None).await.expect(409);
    assert_eq!(refused.body["code"], "last_administrator");
    lab.send(root, "PATCH", &myself, Some(json!({"role": 1}))).await.expect(409);
    // The name may change, and saying the same role again changes nothing.
    lab.send(root, "PATCH", &myself, Some(json!({"role": 4, "full_name": "Ana Soto"}))).await.expect(200);

    let second = administrator(&lab, root, "segunda").await;
    lab.listed(root, "/users?role=4", 2).await;
    lab.send(root, "DELETE", &format!("/users/{second}"), None).await.expect(204);
    // The deactivated one does not count, not even while the list lags.
    lab.send(root, "DELETE", &myself, None).await.expect(409);

    lab.send(root, "POST", &format!("/users/{second}/reactivate"), None).await.expect(200);
    lab.listed(root, "/users?role=4&status=active", 2).await;
    lab.send(root, "PATCH", &myself, Some(json!({"role": 1}))).await.expect(200);
}

#[tokio::test]
async fn two_administrators_who_take_each_other_away_do_not_both_succeed() {
    let lab = Lab::with_root().await;
    let other = lab.clone();
    one_administrator_stays(&lab, &other).await;
}

#[tokio::test]
async fn two_administrators_who_take_each_other_away_at_two_processes_do_not_both_succeed() {
    let lab = Lab::with_root().await;
    let other = lab.beside().await;
    one_administrator_stays(&lab, &other).await;
}

async fn one_administrator_stays(lab: &Lab, process: &Lab) {
    let session = lab.log_in(crate::lab::ROOT.0, crate::lab::ROOT.1).await;
    let second = administrator(lab, session.who, "segunda").await;
    lab.listed(session.who, "/users?role=4", 2).await;
    let other = Who::User(second, Role::Administrator, None);
    let (one, two) = (format!("/users/{}", session.user), format!("/users/{second}"));
    let (first, second) =
        tokio::join!(lab.send(session.who, "DELETE", &two, None), process.send(other, "DELETE", &one, None));
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409]);
}

#[tokio::test]
async fn the_list_comes_in_pages() {
    let lab = Lab::with_root().await;
    for number in 0..5 {
        lab.user(&format!("usuario{number}")).await;
    }
    let root = lab.root().await;
    lab.listed(root, "/users?role=1", 5).await;
    let mut names = Vec::new();
    let mut path = "/users?role=laboratory&limit=2".to_owned();
    let mut pages = 0;
    loop {
        let page = lab.send(root, "GET", &path, None).await.expect(200);
        let items = page.body["items"].as_array().unwrap().clone();
        names.extend(items.iter().map(|item| item["username"].as_str().unwrap().to_owned()));
        pages += 1;
        let Some(next) = page.body["next"].as_str() else { break };
        path = format!("/users?role=laboratory&limit=2&cursor={next}");
        assert_eq!(page.header("link"), format!("<{path}>; rel=\"next\""));
    }
    assert_eq!((names, pages), ((0..5).map(|number| format!("usuario{number}")).collect(), 3));
}
