//! What an operator does through the gateway, and to a running `up`.
use crate::client::Client;
use crate::mail_catcher::MailCatcher;
use crate::platform::{DataDirectory, HISTORIA, Platform};
use crate::schemas;
use hyper::StatusCode;
use infra_runtime::postgres;
use infra_testkit::wait_for;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Somebody at a terminal of their own.
pub(crate) struct Operator<'d> {
    data: &'d DataDirectory,
    home: PathBuf,
}

impl<'d> Operator<'d> {
    pub(crate) fn new(data: &'d DataDirectory, name: &str) -> Self {
        Self { data, home: data.root().join(name) }
    }

    /// Exit code, standard output and standard error of a verb.
    pub(crate) fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = Command::new(HISTORIA)
            .args(arguments)
            .env("HISTORIA_DATA_DIR", self.data.path())
            .env("XDG_CONFIG_HOME", &self.home)
            .env_remove("HISTORIA_DATABASE_URL")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    /// What a verb that has to go well prints as JSON.
    pub(crate) fn told(&self, arguments: &[&str]) -> Value {
        let (code, stdout, stderr) = self.run(&[arguments, &["-o", "json"]].concat());
        assert_eq!(code, 0, "{arguments:?}: {stderr}");
        serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {arguments:?}: {stdout}"))
    }

    /// A verb that is refused with that code and these words.
    pub(crate) fn refused(&self, arguments: &[&str], code: i32, words: &str) {
        let (ended, stdout, stderr) = self.run(arguments);
        assert_eq!((ended, stdout.as_str()), (code, ""), "{arguments:?}: {stderr}");
        assert!(stderr.contains(words), "{arguments:?}: {stderr}");
    }

    pub(crate) fn log_in(&self, url: &str, user: &str, password_file: &str) {
        let (code, stdout, stderr) =
            self.run(&["login", "--url", url, "--user", user, "--password-file", password_file]);
        assert_eq!((code, stdout.as_str()), (0, ""), "{stderr}");
    }

    fn session(&self) -> PathBuf {
        self.home.join("historia/session.json")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sagas_are_looked_after_through_the_gateway_by_who_may() {
    let data = DataDirectory::new();
    let platform = Platform::up(&data, &[]);
    let account = json!({"username": "usuario2", "password": "password2", "role": 1});
    assert_eq!(Client::new(&platform.url).post("/users", account).await.status, StatusCode::CREATED);
    let password = data.root().join("password");
    std::fs::write(&password, "password2\n").unwrap();
    std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o600)).unwrap();
    let (administrator, laboratory) = (Operator::new(&data, "administrator"), Operator::new(&data, "laboratory"));

    administrator.refused(&["saga", "list"], 5, "historia login");
    let secret = data.path().join("secrets/administrator-password").display().to_string();
    administrator.log_in(&platform.url, "admin", &secret);
    laboratory.log_in(&platform.url, "usuario2", password.to_str().unwrap());
    let mode = std::fs::metadata(administrator.session()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600, "the session is its owner's alone");

    let event = wait_for("the account's saga to be settled", Duration::from_secs(30), async || {
        let page = administrator.told(&["saga", "list", "--type", "UserCreated", "--since", "1h"]);
        let item = page["items"].as_array().unwrap().first()?.clone();
        (item["state"] == "PROCESSED").then_some(item)
    })
    .await;
    let id = event["id"].as_str().unwrap();
    let shown = administrator.told(&["saga", "show", id]);
    assert_eq!(shown["id"], event["id"]);
    schemas::check_answer("SagaView", &shown);
    schemas::check_answer("Page_SagaEventView", &administrator.told(&["saga", "list"]));
    assert_eq!(administrator.run(&["saga", "list", "--limit", "1", "-q"]).1.lines().count(), 1);
    retried_by_who_may(&administrator, &laboratory, id);

    // A session that is over is refreshed, and only once.
    let read = || serde_json::from_str::<Value>(&std::fs::read_to_string(administrator.session()).unwrap()).unwrap();
    let before = read();
    let mut over = before.clone();
    over["expires_at"] = json!(0);
    std::fs::write(administrator.session(), over.to_string()).unwrap();
    std::thread::scope(|scope| {
        let both = [0, 1].map(|_| scope.spawn(|| administrator.run(&["saga", "list", "-q"]).0));
        assert_eq!(both.map(|asked| asked.join().unwrap()), [0, 0], "a refresh token is used once");
    });
    assert_ne!(read()["refresh_token"], before["refresh_token"]);

    assert_eq!(administrator.run(&["logout"]).0, 0);
    assert!(!administrator.session().exists());
    administrator.refused(&["logout"], 5, "nobody is logged in");
    platform.interrupt();
    laboratory.refused(&["saga", "list"], 6, "cannot be reached");
}

fn retried_by_who_may(administrator: &Operator<'_>, laboratory: &Operator<'_>, id: &str) {
    let reason = ["--reason", "the mail server is back"];
    let words = |verb: &'static str, more: &[&'static str]| [&["saga", verb, id], &reason[..], more].concat();
    laboratory.refused(&words("retry", &[]), 5, "may");
    administrator.refused(&words("retry", &[]), 7, "nothing_failed");
    let dry = administrator.told(&words("retry", &["--dry-run"]));
    assert_eq!((&dry["dry_run"], &dry["consumers"]), (&json!(true), &json!([])));
    administrator.refused(&words("skip", &[]), 2, "--yes");
    administrator.refused(&["saga", "retry", id, "--reason", " "], 2, "/reason");
    let nobody = "0198a8a0-6a51-7f54-9a0c-2d9d4b1c7a10";
    administrator.refused(&["saga", "show", nobody], 4, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_was_refused_is_tried_again_or_skipped_from_the_command_line() {
    let (data, mail) = (DataDirectory::new(), MailCatcher::start());
    mail.refuse(true);
    let platform = Platform::up(&data, &["--smtp-url", &format!("smtp://{}", mail.address)]);
    let administrator = Operator::new(&data, "administrator");
    let secret = data.path().join("secrets/administrator-password").display().to_string();
    administrator.log_in(&platform.url, "admin", &secret);
    let anybody = Client::new(&platform.url);
    for username in ["usuario2", "usuario3"] {
        let account = json!({"username": username, "password": "password2", "role": 1});
        assert_eq!(anybody.post("/users", account).await.status, StatusCode::CREATED);
    }
    let filed =
        json!({"patient": "Paciente de Prueba", "result": "Resultado Positivo", "patient_email": "p@example.org"});
    let laboratory = anybody.log_in("usuario2", "password2").await;
    assert_eq!(laboratory.post("/results", filed).await.status, StatusCode::CREATED);
    let failed = async |event_type: &str, count: usize| {
        wait_for("the mails to be given up", Duration::from_secs(60), async || {
            let asked = administrator.told(&["saga", "list", "--state", "FAILED", "--type", event_type]);
            let ids = asked["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned());
            let ids: Vec<String> = ids.collect();
            (ids.len() >= count).then_some(ids)
        })
        .await
    };
    let state = |id: &str| administrator.told(&["saga", "show", id])["state"].clone();
    // Two of ours and the administrator's own.
    let accounts = failed("UserCreated", 3).await;
    let result = failed("ResultCreated", 1).await.remove(0);

    mail.refuse(false);
    let retry = ["saga", "retry", &accounts[0], "--reason", "the address exists again"];
    let dry = administrator.told(&[&retry[..], &["--dry-run"]].concat());
    assert_eq!(dry["consumers"], json!(["notifications"]));
    assert_eq!(state(&accounts[0]), "FAILED", "a dry run changes nothing");
    let asked = administrator.told(&retry);
    schemas::check_answer("WishAccepted", &asked);
    assert_eq!(asked["id"], json!(accounts[0]));
    wait_for("the saga to be settled", Duration::from_secs(30), async || {
        (state(&accounts[0]) == "PROCESSED").then_some(())
    })
    .await;
    assert_eq!(mail.count(), 1);

    administrator.told(&["saga", "skip", &accounts[1], "--reason", "told by telephone", "-y"]);
    wait_for("the skipped saga to be settled", Duration::from_secs(30), async || {
        (state(&accounts[1]) == "PROCESSED").then_some(())
    })
    .await;
    administrator.refused(&["saga", "skip", &result, "--reason", "told by telephone", "-y"], 7, "clinical_event");
    assert_eq!(mail.count(), 1, "who was skipped got no mail");
}

#[test]
fn a_password_is_never_sent_in_clear_to_another_machine() {
    let data = DataDirectory::new();
    let somebody = Operator::new(&data, "somebody");
    somebody.refused(&["login", "--url", "http://example.org", "--user", "admin"], 2, "TLS");
    somebody.refused(&["login", "--user", "admin"], 2, "--password-file");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_up_is_told_of_and_stopped() {
    let data = DataDirectory::new();
    let operator = Operator::new(&data, "operator");
    operator.refused(&["status"], 6, "historia up");
    let platform = Platform::up(&data, &[]);
    let status = operator.told(&["status"]);
    assert_eq!((&status["status"], &status["url"]), (&json!("OK"), &json!(platform.url)), "{status}");
    assert_eq!(status["services"].as_array().unwrap().len(), 4);
    schemas::check("status", &status);
    assert_eq!(operator.told(&["status", "--url", &platform.url])["process"], Value::Null);

    // More than a first start says, with a line for each migration.
    let logs = operator.told(&["logs", "-n", "500"]);
    schemas::check("logs", &logs);
    let said: Vec<&str> =
        logs["lines"].as_array().unwrap().iter().filter_map(|line| line["message"].as_str()).collect();
    assert!(said.contains(&"PostgreSQL runs"), "{logs}");
    assert!(!operator.told(&["logs", "postgresql", "-n", "1"])["lines"].as_array().unwrap().is_empty());
    operator.refused(&["logs", "result"], 4, "did you mean: results");

    let account = json!({"username": "usuario2", "password": "password2", "role": 2});
    assert_eq!(Client::new(&platform.url).post("/users", account).await.status, StatusCode::CREATED);
    let (code, token, told) = operator.run(&["token", "--user", "Usuario2"]);
    assert_eq!(code, 0, "{told}");
    assert!(!told.contains("suario2"), "no name is shown: {told}");
    let me = Client::new(&platform.url).with_token(token.trim()).get("/me").await;
    assert_eq!((me.status, &me.body["role_name"]), (StatusCode::OK, &json!("physician")), "{}", me.body);
    operator.refused(&["token", "--user", "nobody"], 4, "no such user");

    assert_eq!(operator.run(&["down", "--dry-run"]).0, 0);
    assert_eq!(operator.told(&["status"])["status"], "OK", "a dry run stops nothing");
    let (code, _, told) = operator.run(&["down"]);
    assert_eq!(code, 0, "{told}");
    operator.refused(&["status"], 6, "nothing runs");
    assert_eq!(operator.run(&["down"]).0, 0, "what does not run is down");
    assert!(platform.has_ended_well());
}

#[tokio::test(flavor = "multi_thread")]
async fn projections_are_paused_and_resumed_and_dead_letters_listed() {
    let data = DataDirectory::new();
    let platform = Platform::up(&data, &[]);
    let administrator = Operator::new(&data, "administrator");
    let secret = data.path().join("secrets/administrator-password").display().to_string();
    administrator.log_in(&platform.url, "admin", &secret);

    let listed = administrator.told(&["projections", "list"]);
    let names = listed["projections"].as_array().unwrap().iter().map(|projection| projection["name"].as_str().unwrap());
    assert!(names.collect::<Vec<_>>().contains(&"user_list"), "{listed}");
    let is_paused = || {
        let lag = administrator.told(&["projections", "lag"]);
        let found = lag["lag"].as_array().unwrap().iter().find(|part| part["name"] == "user_list").cloned();
        found.unwrap_or_else(|| panic!("no user_list in {lag}"))["paused"] == true
    };
    let reason = ["--reason", "the disk is moved"];
    assert_eq!(administrator.run(&[&["projections", "pause", "user_list", "--dry-run"], &reason[..]].concat()).0, 0);
    assert!(!is_paused(), "a dry run changes nothing");
    for (verb, paused) in [("pause", true), ("resume", false)] {
        let (code, _, told) = administrator.run(&[&["projections", verb, "users.user_list"], &reason[..]].concat());
        assert_eq!(code, 0, "{told}");
        wait_for("the projection to follow", Duration::from_secs(10), async || (is_paused() == paused).then_some(()))
            .await;
    }
    administrator.refused(&[&["projections", "pause", "user_lits"], &reason[..]].concat(), 4, "users.user_list");

    assert_eq!(administrator.told(&["dead-letters", "list"])["items"], json!([]));
    let nobody = "0198a8a0-6a51-7f54-9a0c-2d9d4b1c7a10";
    administrator.refused(&["dead-letters", "show", nobody], 4, "not_found");
    administrator.refused(&[&["dead-letters", "retry", nobody], &reason[..]].concat(), 4, "not_found");
}

/// Letters of a message that nobody can read: of the saga log's own consumer, and of a wish at notifications. Nobody told
/// the saga log of either.
const UNTOLD: [(&str, &str, &str, &str); 2] = [
    ("historia_saga_log", "saga_log", "saga-step", "messaging.message_handled"),
    ("historia_notifications", "notifications", "saga-command", "saga_log.retry_requested"),
];

async fn park(data: &DataDirectory, (database, consumer, topic, event_type): (&str, &str, &str, &str)) {
    let options = postgres::running(&data.path().join("postgres")).unwrap().unwrap();
    let pool = infra_runtime::database::pool(options.database(database), 1).await.unwrap();
    sqlx::query(
        "with letter as (
           insert into dead_letter (id, consumer, attempts, code, event_id, event_type, source, stream_id, version, topic,
             occurred_at, correlation_id, contract_version, expects, payload)
           values (gen_random_uuid(), $1, 3, 'event_malformed', gen_random_uuid(), $3, 'users', gen_random_uuid(), 1, $2,
             now(), gen_random_uuid(), 1, '{}', '\\xff')
           returning stream_id
         )
         insert into parked_stream (consumer, stream_id) select $1, stream_id from letter",
    )
    .bind(consumer)
    .bind(topic)
    .bind(event_type)
    .execute(&pool)
    .await
    .unwrap();
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_that_the_saga_log_was_not_told_of_are_retried_and_skipped_too() {
    let data = DataDirectory::new();
    let platform = Platform::up(&data, &[]);
    let administrator = Operator::new(&data, "administrator");
    let secret = data.path().join("secrets/administrator-password").display().to_string();
    administrator.log_in(&platform.url, "admin", &secret);
    let letters = || administrator.told(&["dead-letters", "list"])["items"].as_array().unwrap().clone();
    for untold in UNTOLD {
        park(&data, untold).await;
        let letter = letters().pop().unwrap();
        assert_eq!((&letter["consumer"], &letter["topic"]), (&json!(untold.1), &json!(untold.2)));
        let id = letter["id"].as_str().unwrap();
        let reason = ["--reason", "a release knows better", "-y"];
        let wish = |verb| administrator.told(&[&["dead-letters", verb, id], &reason[..]].concat());
        schemas::check_answer("WishAccepted", &wish("retry"));
        wait_for("another attempt", Duration::from_secs(30), async || {
            (letters().first()?["attempts"] != letter["attempts"]).then_some(())
        })
        .await;
        wish("skip");
        wait_for("the letter to go", Duration::from_secs(30), async || letters().is_empty().then_some(())).await;
    }
}
