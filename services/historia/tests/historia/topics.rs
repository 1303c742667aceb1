//! The `topics` verbs on a real broker.
use crate::platform::HISTORIA;
use crate::schemas;
use infra_runtime::pulsar::admin::{Admin, Namespace, Policies};
use infra_runtime::pulsar::{Authentication, Token, TokenKey};
use infra_testkit::pulsar::{namespace, own_broker};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A place on a broker, and how it is asked for.
struct Place {
    admin: String,
    tenant: String,
    namespace: String,
    words: Vec<String>,
}

impl Place {
    fn run(&self, more: &[&str]) -> Output {
        self.verb("ensure", more)
    }

    fn verb(&self, verb: &str, more: &[&str]) -> Output {
        Command::new(HISTORIA)
            .args(["topics", verb, "--json", "--broker-admin", &self.admin])
            .args(["--broker-tenant", &self.tenant, "--broker-namespace", &self.namespace])
            .args(&self.words)
            .args(more)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    fn ensure(&self, more: &[&str]) -> Value {
        let output = self.run(more);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The rows that a verb prints, after a look at their published shape.
    fn rows(&self, verb: &str, rows: &str) -> Vec<Value> {
        let output = self.verb(verb, &[]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        schemas::check(&format!("topics-{verb}"), &document);
        document[rows].as_array().unwrap().clone()
    }

    fn changes(&self, more: &[&str]) -> Vec<Value> {
        self.ensure(more)["changes"].as_array().unwrap().clone()
    }
}

fn of_kind<'a>(changes: &'a [Value], kind: &str) -> Vec<&'a Value> {
    changes.iter().filter(|change| change["kind"] == kind).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_the_difference_and_the_next_run_makes_it_once() {
    let Some(test) = namespace().await else { return };
    // A name beside the test's own, which nobody made.
    let tenant = test.namespace.name().to_owned();
    let (admin, words) = (test.admin.url(), Vec::new());
    let place = Place { admin, tenant: tenant.clone(), namespace: "clinic".to_owned(), words };

    let told = place.changes(&["--dry-run"]);
    assert_eq!(of_kind(&told, "tenant"), [&json!({"kind": "tenant", "name": tenant, "from": null, "to": "present"})]);
    assert_eq!((of_kind(&told, "topic").len(), of_kind(&told, "policy").len()), (5, 4));
    assert!(!test.admin.tenants().await.unwrap().contains(&tenant), "a dry run changes nothing");
    assert!(place.rows("list", "topics").iter().all(|topic| topic["state"] == "missing"));

    assert_eq!(place.changes(&["--partitions", "3"]).len(), told.len());
    assert_eq!(place.changes(&[]), Vec::<Value>::new(), "what is there is left as it is");
    let namespace = Namespace::new(&tenant, "clinic").unwrap();
    let topic = namespace.topic("event-user").unwrap();
    assert_eq!(test.admin.partitions(&topic).await.unwrap(), 3);
    let registered = test.admin.schemas(&topic).await.unwrap();
    assert_eq!(registered.len(), usize::from(infra_contracts::topic::current("event-user")));
    assert_eq!(place.changes(&["--dry-run"]), Vec::<Value>::new());

    let topics = place.rows("list", "topics");
    assert!(topics.iter().all(|topic| topic["state"] == "present" && topic["partitions"] == 3), "{topics:?}");
    assert!(topics.iter().all(|topic| topic["schemas"] == topic["contract_versions"]), "{topics:?}");
    let schemas = place.rows("schemas", "schemas");
    assert!(
        schemas.len() >= 5 && schemas.iter().all(|schema| schema["contract_version"] != Value::Null),
        "{schemas:?}"
    );
    let stats = place.rows("stats", "subscriptions");
    assert!(
        stats.len() == 5 && stats.iter().all(|stats| stats["subscription"] == Value::Null),
        "nobody reads: {stats:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incompatible_contract_is_refused_with_the_field_that_does_not_fit() {
    let Some(test) = namespace().await else { return };
    let (tenant, name) = (test.namespace.tenant().to_owned(), test.namespace.name().to_owned());
    let topic = test.namespace.topic("event-result").unwrap();
    // As if a release before this one had published the number as a text.
    let ours = infra_contracts::event_result::SCHEMAS[0];
    let theirs = ours.replace(r#""name": "number", "type": "long""#, r#""name": "number", "type": "string""#);
    assert_ne!(ours, theirs);
    test.admin.create_topic(&topic, 0).await.unwrap();
    test.admin.register_schema(&topic, &theirs).await.unwrap();
    let place = Place { admin: test.admin.url(), tenant, namespace: name, words: Vec::new() };
    for words in [&["--dry-run"][..], &[]] {
        let refused = place.run(words);
        let told = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{told}");
        for word in ["event-result", "ResultEvent.result_created.number", "long", "string"] {
            assert!(told.contains(word), "{word}: {told}");
        }
    }
    assert_eq!(test.admin.schemas(&topic).await.unwrap().len(), 1, "nothing was registered beside it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_somebody_loosened_is_tightened_again() {
    let Some(test) = namespace().await else { return };
    let (tenant, name) = (test.namespace.tenant().to_owned(), test.namespace.name().to_owned());
    let place = Place { admin: test.admin.url(), tenant, namespace: name, words: Vec::new() };
    place.ensure(&[]);
    let loose = Policies { schema_automatic_update: Some(true), ..Policies::default() };
    test.admin.set_policies(&test.namespace, &loose).await.unwrap();
    let changes = place.changes(&[]);
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!((&changes[0]["name"], &changes[0]["to"]), (&json!("schema automatic update"), &json!("false")));
    assert_eq!(test.admin.policies(&test.namespace).await.unwrap().schema_automatic_update, Some(false));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_service_is_given_its_rights_and_no_others() {
    let directory = tempfile::tempdir().unwrap();
    let secrets = directory.path().join("secrets");
    let made = Command::new(HISTORIA).args(["secrets", "create", "--directory"]).arg(&secrets).output().unwrap();
    assert!(made.status.success());
    let token = |folder: &str| Token::new(text(&secrets.join(folder).join("broker-token")));
    let key = secrets.join("broker/broker-token.key");
    let broker = own_broker(|options| {
        options.authentication = Some(Authentication {
            key: TokenKey::Secret(key),
            superusers: vec!["historia-operator".to_owned(), "historia-broker".to_owned()],
            token: token("broker"),
        });
    });
    let Some(broker) = broker.await else { return };
    let admin = broker.broker().admin_url();
    let operator = secrets.join("operator/broker-token").display().to_string();
    let words = vec!["--rights".to_owned(), "--broker-token-file".to_owned(), operator];
    let place = Place { admin: admin.clone(), tenant: "historia".into(), namespace: "clinic".into(), words };
    let rights = of_kind(&place.changes(&[]), "rights").len();
    assert!(rights > 10, "{rights}");
    assert_eq!(place.changes(&["--dry-run"]), Vec::<Value>::new());

    let namespace = Namespace::new("historia", "clinic").unwrap();
    let saga_step = namespace.topic("saga-step").unwrap();
    let superuser = Admin::new(&admin, Some(token("operator"))).unwrap();
    superuser.grant(&saga_step, "historia-users", &[infra_runtime::pulsar::admin::Right::Produce]).await.unwrap();
    let taken = place.changes(&[]);
    assert_eq!(taken.len(), 1, "{taken:?}");
    assert_eq!((&taken[0]["role"], &taken[0]["to"]), (&json!("historia-users"), &json!("nothing")));
    // A service's own token does not let it change the rules.
    let service = Admin::new(&admin, Some(token("users"))).unwrap();
    assert!(service.set_policies(&namespace, &Policies::default()).await.is_ok(), "nothing is asked");
    let loose = Policies { schema_validation_enforced: Some(false), ..Policies::default() };
    assert!(service.set_policies(&namespace, &loose).await.is_err());
    // It lets it register a schema that fits, wherever it reaches the admin interface; which is told.
    let event_user = namespace.topic("event-user").unwrap();
    let ours = infra_contracts::topic::find("event-user").unwrap().versions.last().unwrap();
    let field = r#""fields": [{"name": "theirs", "type": ["null", "string"], "default": null},"#;
    let theirs = ours.replacen(r#""fields": ["#, field, 1);
    let version = service.register_schema(&event_user, &theirs).await.unwrap();
    let told = place.ensure(&["--dry-run"]);
    assert_eq!(told["unknown_schemas"], json!([{"topic": event_user.to_string(), "version": version}]));
    assert_eq!(told["changes"], json!([]));
}

fn text(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap().trim().to_owned()
}
