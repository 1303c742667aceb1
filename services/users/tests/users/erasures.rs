//! Forgetting a person: two administrators, the law, and a process that may be killed in between.
use crate::lab::{Answer, Lab, SOON, Who};
use domain_kernel::ports::{KeyRegister, KeyVault, Origin, Purpose};
use domain_kernel::{EventId, Role, StreamId, SubjectId, UserId, Version};
use infra_event_store::{projection, verify};
use infra_testkit::wait_for;
use serde_json::{Value, json};
use uuid::Uuid;

/// A laboratory with two administrators, and a deactivated user of whom everything is known.
struct Office {
    lab: Lab,
    asking: Who,
    approving: Who,
    user: UserId,
}

impl Office {
    async fn new() -> Self {
        let lab = Lab::with_root().await;
        let asking = lab.root().await;
        let body = json!({"username": "segunda", "password": "password2", "role": "administrator"});
        lab.send(asking, "POST", "/users", Some(body)).await.expect(201);
        let approving = lab.log_in("segunda", "password2").await.who;
        let body = json!({
            "username": "usuario2", "password": "password2", "full_name": "Ana Soto", "email": "ana@laboratorio.cl",
        });
        let user = UserId(lab.register(body).await.expect(201).text("id").parse().unwrap());
        lab.send(asking, "DELETE", &format!("/users/{user}?reason=se+fue"), None).await.expect(204);
        Self { lab, asking, approving, user }
    }

    async fn request(&self, subject: UserId, purpose: &str) -> Answer {
        let reason = "asked for by the person";
        let body = json!({"subject": subject.0, "purpose": purpose, "country": "CL", "reason": reason});
        self.lab.send(self.asking, "POST", "/erasures", Some(body)).await
    }

    /// The address of a request for the user's key.
    async fn requested(&self, purpose: &str) -> String {
        self.request(self.user, purpose).await.expect(201).header("location")
    }

    async fn approve(&self, erasure: &str) -> Answer {
        self.lab.send(self.approving, "POST", &format!("{erasure}/approve"), None).await
    }

    async fn hold(&self, purpose: &str) -> Answer {
        let body = json!({"subject": self.user.0, "purpose": purpose, "reason": "a lawsuit"});
        self.lab.send(self.asking, "POST", "/legal-holds", Some(body)).await
    }
}

async fn erased(lab: &Lab, who: Who, erasure: &str) -> Answer {
    wait_for("the key's destruction", SOON, async || {
        let answer = lab.send(who, "GET", erasure, None).await.expect(200);
        (answer.body["state"] == "erased").then_some(answer)
    })
    .await
}

fn code(answer: &Answer) -> &str {
    answer.body["code"].as_str().unwrap()
}

#[tokio::test]
async fn what_two_administrators_agree_on_is_forgotten_everywhere() {
    let office = Office::new().await;
    let (lab, user) = (&office.lab, office.user);
    for purpose in ["account", "contact"] {
        let erasure = office.requested(purpose).await;
        let approved = office.approve(&erasure).await.expect(202);
        assert_eq!(approved.text("state"), "approved");
        let done = erased(lab, office.asking, &erasure).await;
        assert_eq!(done.text("decided_by"), approved.text("decided_by"));
        assert_ne!(done.text("decided_by"), done.text("requested_by"));
        assert!(done.body["erased_at"].is_string());
    }
    let one = lab.send(office.asking, "GET", &format!("/users/{user}"), None).await.expect(200);
    let listed = lab.listed(office.asking, "/users?status=deactivated", 1).await;
    for shown in [&one.body, &listed.body["items"][0]] {
        for field in ["username", "full_name", "email"] {
            assert_eq!(shown[field], Value::Null, "{field}");
        }
    }
    lab.try_log_in("usuario2", "password2").await.expect(401);
    let keys = lab.send(office.asking, "GET", &format!("/keys?subject={user}"), None).await.expect(200);
    let keys = keys.body["items"].as_array().unwrap();
    assert_eq!(keys.len(), 2);
    assert!(keys.iter().all(|key| key["destroyed_at"].is_string() && key["master_key_id"].is_null()), "{keys:?}");

    let report = verify::streams(&lab.database.pool, |_| ()).await.unwrap();
    assert!(report.is_whole(), "{report:?}");
    wait_for("the list of erasures", SOON, async || {
        let answer = lab.send(office.asking, "GET", "/erasures?state=erased", None).await.expect(200);
        (answer.body["items"].as_array().unwrap().len() == 2).then_some(())
    })
    .await;
    for read_model in service_users::projections() {
        let store = &*lab.resources.store;
        let equality = projection::verify(&*read_model, store, &lab.database.pool, |_| ()).await.unwrap();
        assert!(equality.is_equal(), "{equality:?}");
    }
}

#[tokio::test]
async fn nobody_approves_what_they_asked_for() {
    let office = Office::new().await;
    let erasure = office.requested("contact").await;
    let refused = office.lab.send(office.asking, "POST", &format!("{erasure}/approve"), None).await.expect(409);
    assert_eq!(code(&refused), "second_person_needed");
    let read = office.lab.send(office.approving, "GET", &erasure, None).await.expect(200);
    assert_eq!(read.text("state"), "requested");
}

#[tokio::test]
async fn a_declined_erasure_destroys_nothing_and_may_be_asked_for_again() {
    let office = Office::new().await;
    let erasure = office.requested("contact").await;
    let reason = json!({"reason": "not the person's own request"});
    let decline = format!("{erasure}/decline");
    let declined = office.lab.send(office.approving, "POST", &decline, Some(reason.clone())).await.expect(200);
    assert_eq!(
        (declined.text("state").as_str(), declined.text("decision_reason").as_str()),
        ("declined", "not the person's own request")
    );
    let again = office.lab.send(office.approving, "POST", &decline, Some(reason)).await.expect(409);
    assert_eq!(code(&again), "nothing_requested");
    assert_eq!(code(&office.approve(&erasure).await.expect(409)), "nothing_requested");
    let shown = office.lab.send(office.asking, "GET", &format!("/users/{}", office.user), None).await.expect(200);
    assert_eq!(shown.text("email"), "ana@laboratorio.cl");
    assert_eq!(office.requested("contact").await, erasure);
}

#[tokio::test]
async fn a_decision_on_what_has_changed_since_it_was_read_is_refused() {
    let office = Office::new().await;
    let erasure = office.requested("contact").await;
    let etag = office.lab.send(office.approving, "GET", &erasure, None).await.header("etag");
    office.hold("contact").await.expect(201);
    let approve = format!("{erasure}/approve");
    office.lab.send_with(office.approving, "POST", &approve, None, &[("if-match", &etag)]).await.expect(412);
}

#[tokio::test]
async fn an_active_account_is_not_erased() {
    let office = Office::new().await;
    let active = office.lab.user("usuario3").await;
    for purpose in ["account", "contact"] {
        assert_eq!(code(&office.request(active, purpose).await.expect(409)), "account_active");
    }
    let erasure = office.requested("account").await;
    let reactivate = format!("/users/{}/reactivate", office.user);
    office.lab.send(office.asking, "POST", &reactivate, None).await.expect(200);
    assert_eq!(code(&office.approve(&erasure).await.expect(409)), "account_active");
}

#[tokio::test]
async fn an_account_that_is_about_to_be_forgotten_is_not_reactivated() {
    let office = Office::new().await;
    let erasure = office.requested("contact").await;
    // Nobody carries it out.
    office.lab.resources.supervisor.stop().await;
    office.approve(&erasure).await.expect(202);
    let reactivate = format!("/users/{}/reactivate", office.user);
    let refused = office.lab.send(office.asking, "POST", &reactivate, None).await.expect(410);
    assert_eq!(code(&refused), "erased");
}

#[tokio::test]
async fn an_approved_erasure_is_carried_out_after_a_kill() {
    let office = Office::new().await;
    let (account, contact) = (office.requested("account").await, office.requested("contact").await);
    office.lab.resources.supervisor.stop().await;
    for erasure in [&account, &contact] {
        office.approve(erasure).await.expect(202);
    }
    // The one was killed before the key was destroyed, the other before that was written down.
    office.lab.ports.vault.destroy(office.user.into(), Purpose::Contact).await.unwrap();
    let lab = office.lab.restarted(None).await;
    for erasure in [&account, &contact] {
        erased(&lab, office.asking, erasure).await;
    }
    let shown = lab.send(office.asking, "GET", &format!("/users/{}", office.user), None).await.expect(200);
    assert_eq!((&shown.body["username"], &shown.body["email"]), (&Value::Null, &Value::Null));
    let lab = lab.restarted(None).await;
    let id = StreamId(account.strip_prefix("/erasures/").unwrap().parse().unwrap());
    let history = lab.resources.store.read_stream(id, Version::NONE, 10).await.unwrap();
    let types: Vec<i16> = history.iter().map(|event| event.type_id.0).collect();
    use service_users::type_id::{ERASURE_APPROVED, ERASURE_REQUESTED, KEY_DESTROYED};
    assert_eq!(types, [ERASURE_REQUESTED, ERASURE_APPROVED, KEY_DESTROYED], "it is carried out once");
}

#[tokio::test]
async fn a_clinical_key_is_kept_for_as_long_as_the_law_says() {
    let office = with_a_clinical_key().await;
    let refused = office.request(office.user, "clinical").await.expect(409);
    assert_eq!(code(&refused), "retained");
    assert_eq!(refused.text("law"), "Ley 20.584 art. 13 (CL)");
    let key = office.lab.send(office.asking, "GET", "/keys?purpose=clinical", None).await.expect(200);
    let made = key.body["items"][0]["created_at"].as_str().unwrap();
    let years = |text: &str| text[..4].parse::<i32>().unwrap();
    assert!((15..=16).contains(&(years(&refused.text("until")) - years(made))), "{}", refused.body);
}

/// Something clinical was sealed about the user.
async fn with_a_clinical_key() -> Office {
    let office = Office::new().await;
    let stream = StreamId(Uuid::now_v7());
    let origin =
        Origin { event_id: EventId(Uuid::now_v7()), stream, version: Version(1), event_type: "test".to_owned() };
    let subject = SubjectId::from(office.user);
    office.lab.ports.vault.seal(subject, Purpose::Clinical, &origin, 1, b"x").await.unwrap();
    office
}

impl Office {
    /// As [`Self::request`], with what the gateway learned from the results service.
    async fn request_clinical(&self, newest_entry: Option<&str>) -> Answer {
        let body = json!({"subject": self.user.0, "purpose": "clinical", "country": "CL", "reason": "asked for"});
        let told: Vec<(&str, &str)> = newest_entry.iter().map(|moment| ("historia-newest-entry", *moment)).collect();
        self.lab.send_with(self.asking, "POST", "/erasures", Some(body), &told).await
    }

    async fn approve_clinical(&self, erasure: &str, newest_entry: Option<&str>) -> Answer {
        let told: Vec<(&str, &str)> = newest_entry.iter().map(|moment| ("historia-newest-entry", *moment)).collect();
        self.lab.send_with(self.approving, "POST", &format!("{erasure}/approve"), None, &told).await
    }
}

const TWENTY_YEARS: i64 = 20 * 366 * 86_400;

#[tokio::test]
async fn a_clinical_key_past_its_period_and_without_a_hold_is_destroyed() {
    let office = with_a_clinical_key().await;
    office.lab.advance(TWENTY_YEARS);
    let old = Some("2027-03-01T10:00:00Z");
    let erasure = office.request_clinical(old).await.expect(201).header("location");
    office.hold("clinical").await.expect(201);
    assert_eq!(code(&office.approve_clinical(&erasure, old).await.expect(409)), "legal_hold");
    let lift = format!("{}/lift", erasure.replace("erasures", "legal-holds"));
    office.lab.send(office.asking, "POST", &lift, Some(json!({"reason": "settled"}))).await.expect(204);

    office.approve_clinical(&erasure, old).await.expect(202);
    erased(&office.lab, office.asking, &erasure).await;
    let keys = office.lab.send(office.asking, "GET", "/keys?purpose=clinical", None).await.expect(200);
    assert!(keys.body["items"][0]["destroyed_at"].is_string(), "{}", keys.body);
}

#[tokio::test]
async fn a_clinical_key_under_retention_is_refused_with_the_day_from_which_it_may_be_asked_for() {
    let office = with_a_clinical_key().await;
    office.lab.advance(TWENTY_YEARS);
    let refused = office.request_clinical(Some("2035-03-01T10:00:00Z")).await.expect(409);
    assert_eq!((code(&refused), refused.text("law").as_str()), ("retained", "Ley 20.584 art. 13 (CL)"));
    assert_eq!(&refused.text("until")[..10], "2050-03-03");

    // An entry that was made after it was asked for keeps it too.
    let erasure = office.request_clinical(Some("2027-03-01T10:00:00Z")).await.expect(201).header("location");
    let refused = office.approve_clinical(&erasure, Some("2046-01-01T00:00:00Z")).await.expect(409);
    assert_eq!((code(&refused), &refused.text("until")[..10]), ("retained", "2061-01-03"));
}

#[tokio::test]
async fn what_nobody_knows_the_newest_entry_of_is_not_forgotten() {
    let office = with_a_clinical_key().await;
    office.lab.advance(TWENTY_YEARS);
    for unknown in [None, Some(""), Some("yesterday")] {
        let refused = office.request_clinical(unknown).await.expect(409);
        assert_eq!(code(&refused), "retention_not_provable", "{unknown:?}");
    }
    let erasure = office.request_clinical(Some("2027-03-01T10:00:00Z")).await.expect(201).header("location");
    assert_eq!(code(&office.approve_clinical(&erasure, None).await.expect(409)), "retention_not_provable");
    let standing = office.lab.send(office.asking, "GET", &erasure, None).await.expect(200);
    assert_eq!(standing.text("state"), "requested");
}

#[tokio::test]
async fn a_legal_hold_keeps_a_key_until_it_is_lifted() {
    let office = Office::new().await;
    let erasure = office.requested("contact").await;
    let hold = office.hold("contact").await.expect(201).text("id");
    assert_eq!(code(&office.hold("contact").await.expect(409)), "already_held");
    assert_eq!(code(&office.approve(&erasure).await.expect(409)), "legal_hold");
    let listed = wait_for("the list of holds", SOON, async || {
        let answer = office.lab.send(office.asking, "GET", "/legal-holds", None).await.expect(200);
        (answer.body["items"].as_array().unwrap().len() == 1).then_some(answer)
    });
    assert_eq!(listed.await.body["items"][0]["id"], hold.as_str());
    let (lift, reason) = (format!("/legal-holds/{hold}/lift"), json!({"reason": "it was settled"}));
    office.lab.send(office.approving, "POST", &lift, Some(reason.clone())).await.expect(204);
    assert_eq!(code(&office.lab.send(office.approving, "POST", &lift, Some(reason)).await.expect(409)), "not_held");
    office.approve(&erasure).await.expect(202);
    erased(&office.lab, office.asking, &erasure).await;
    assert_eq!(code(&office.hold("contact").await.expect(409)), "already_erased");
}

#[tokio::test]
async fn a_key_that_never_was_is_neither_erased_nor_held() {
    let office = Office::new().await;
    let refused = office.request(UserId(Uuid::now_v7()), "contact").await.expect(422);
    assert_eq!((code(&refused), refused.faults()), ("no_such_key", vec!["/subject".to_owned()]));
    let refused = office.hold("clinical").await.expect(422);
    assert_eq!(code(&refused), "no_such_key");
}

#[tokio::test]
async fn what_is_wrong_in_a_request_is_named_all_at_once() {
    let office = Office::new().await;
    let body = json!({"subject": Uuid::nil(), "purpose": "all", "country": "XX", "reason": " "});
    let refused = office.lab.send(office.asking, "POST", "/erasures", Some(body)).await.expect(422);
    assert_eq!(refused.faults(), ["/purpose", "/country", "/reason"]);
    for path in ["/keys?purpose=all", "/erasures?state=gone", "/legal-holds?limit=0", "/keys?limit=101"] {
        office.lab.send(office.asking, "GET", path, None).await.expect(422);
    }
}

#[tokio::test]
async fn a_repeated_request_is_one_erasure() {
    let office = Office::new().await;
    let body = json!({"subject": office.user.0, "purpose": "contact", "country": "CO", "reason": "asked for"});
    let key = [("idempotency-key", "01995f0e-5a70-7000-8000-000000000001")];
    let first = office.lab.send_with(office.asking, "POST", "/erasures", Some(body.clone()), &key).await.expect(201);
    let second = office.lab.send_with(office.asking, "POST", "/erasures", Some(body), &key).await.expect(201);
    assert_eq!(first.body, second.body);
}

#[tokio::test]
async fn the_auditor_looks_on_and_nobody_else_sees_anything() {
    let office = Office::new().await;
    let erasure = office.requested("contact").await;
    let (approve, decline) = (format!("{erasure}/approve"), format!("{erasure}/decline"));
    let lift = format!("/legal-holds/{}/lift", Uuid::nil());
    let reads = ["/keys", "/erasures", "/legal-holds", &erasure];
    let writes = ["/erasures", "/legal-holds", &approve, &decline, &lift];
    let seen = |role| if [Role::Administrator, Role::Auditor].contains(&role) { 200 } else { 403 };
    for role in Role::ALL {
        let who = Who::User(office.user, role, None);
        for path in reads {
            office.lab.send(who, "GET", path, None).await.expect(seen(role));
        }
        if role != Role::Administrator {
            for path in writes {
                office.lab.send(who, "POST", path, None).await.expect(403);
            }
        }
    }
}

#[tokio::test]
async fn an_id_of_something_else_names_nothing() {
    let office = Office::new().await;
    let erasure = office.requested("contact").await;
    let id = erasure.strip_prefix("/erasures/").unwrap();
    let user = office.user;
    for (method, path, body) in [
        ("GET", format!("/erasures/{user}"), None),
        ("POST", format!("/erasures/{user}/approve"), None),
        ("POST", format!("/erasures/{user}/decline"), Some(json!({"reason": "x"}))),
        ("POST", format!("/legal-holds/{user}/lift"), Some(json!({"reason": "x"}))),
        ("POST", format!("/legal-holds/{}/lift", Uuid::nil()), Some(json!({"reason": "x"}))),
        ("GET", format!("/users/{id}"), None),
        ("PATCH", format!("/users/{id}"), Some(json!({"role": 2}))),
        ("DELETE", format!("/users/{id}"), None),
        ("POST", format!("/users/{id}/reactivate"), None),
    ] {
        office.lab.send(office.approving, method, &path, body).await.expect(404);
    }
}

#[tokio::test]
async fn the_lists_have_pages() {
    let office = Office::new().await;
    for purpose in ["account", "contact"] {
        office.requested(purpose).await;
        office.lab.advance(1);
        office.hold(purpose).await.expect(201);
        office.lab.advance(1);
    }
    // The last thing that happened was a hold: once it is listed, everything is.
    for path in ["/legal-holds", "/erasures", "/keys"] {
        let whole = wait_for("the lists", SOON, async || {
            let answer = office.lab.send(office.asking, "GET", &format!("{path}?limit=100"), None).await.expect(200);
            (answer.body["items"].as_array().unwrap().len() >= 2).then_some(answer)
        });
        let whole = whole.await.body["items"].as_array().unwrap().clone();
        let (mut next, mut seen) = (format!("{path}?limit=1"), Vec::new());
        loop {
            let page = office.lab.send(office.asking, "GET", &next, None).await.expect(200);
            seen.extend(page.body["items"].as_array().unwrap().clone());
            let Some(cursor) = page.body["next"].as_str() else { break };
            next = format!("{path}?limit=1&cursor={cursor}");
        }
        assert_eq!(seen, whole, "{path}");
    }
}
