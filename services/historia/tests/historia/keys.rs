//! Forgetting a person from the command line: two administrators at two terminals.
use crate::client::Client;
use crate::operating::Operator;
use crate::platform::{DataDirectory, Platform, administrator_password};
use hyper::{Method, StatusCode};
use infra_testkit::wait_for;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

const PASSWORD: &str = "una frase larga";

async fn registered(administrator: &Client, name: &str, role: &str) -> String {
    let body = json!({"username": name, "password": PASSWORD, "role": role, "email": format!("{name}@laboratorio.cl")});
    let answer = administrator.post("/users", body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    answer.body["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_forgotten_by_two_administrators_at_two_terminals() {
    let data = DataDirectory::new();
    let platform = Platform::up(&data, &[]);
    let client = Client::new(&platform.url).log_in("admin", &administrator_password(&data)).await;
    registered(&client, "segunda", "administrator").await;
    let person = registered(&client, "usuario2", "reception").await;
    let gone = client.send(Method::DELETE, &format!("/users/{person}"), None).await.unwrap();
    assert_eq!(gone.status, StatusCode::NO_CONTENT);

    let password = data.root().join("password");
    std::fs::write(&password, PASSWORD).unwrap();
    std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o600)).unwrap();
    let (first, second) = (Operator::new(&data, "first"), Operator::new(&data, "second"));
    let secret = data.path().join("secrets/administrator-password").display().to_string();
    first.log_in(&platform.url, "admin", &secret);
    second.log_in(&platform.url, "segunda", password.to_str().unwrap());

    let reason = ["--reason", "asked for by the person"];
    let shred = [&["keys", "shred", &person, "contact"], &reason[..]].concat();
    first.refused(&["keys", "shred", &person, "clinical", "--reason", "asked for"], 2, "no_such_key");
    assert_eq!(first.run(&[&shred[..], &["--dry-run"]].concat()).0, 0);
    let id = first.told(&shred)["id"].as_str().unwrap().to_owned();
    first.refused(&shred, 7, "already_requested");
    first.refused(&["keys", "approve", &id, "-y"], 7, "second_person_needed");
    second.refused(&["keys", "approve", &id], 2, "--yes");
    assert_eq!(second.told(&["keys", "approve", &id, "--dry-run"])["state"], "requested");

    let hold = first.told(&[&["keys", "hold", &person, "contact"], &reason[..]].concat());
    assert_eq!(hold["id"], *id);
    second.refused(&["keys", "approve", &id, "-y"], 7, "legal_hold");
    first.told(&[&["keys", "lift", &id], &reason[..]].concat());
    first.told(&[&["keys", "decline", &id], &reason[..]].concat());
    assert_eq!(first.told(&shred)["state"], "requested", "what was declined may be asked for again");
    assert_eq!(second.told(&["keys", "approve", &id, "-y"])["state"], "approved");

    wait_for("the key to be destroyed", Duration::from_secs(30), async || {
        let erased = first.told(&["keys", "erasures", "--state", "erased"]);
        (erased["items"][0]["id"] == *id).then_some(())
    })
    .await;
    let keys = first.told(&["keys", "list", "--subject", &person, "--purpose", "contact"]);
    assert!(keys["items"][0]["destroyed_at"].is_string(), "{keys}");
    assert_eq!(client.get(&format!("/users/{person}")).await.body["email"], Value::Null);
    assert_eq!(first.told(&["keys", "holds"])["items"], json!([]));
    platform.interrupt();
}

/// What the running services have told of deeds past the gateway, once there are so many lines.
async fn alarms(owner: &Operator<'_>, count: usize) -> Vec<String> {
    wait_for("the alarms", Duration::from_secs(30), async || {
        let logs = owner.told(&["logs", "-n", "100000"]);
        let lines = logs["lines"].as_array().unwrap().iter();
        let alarms = lines.filter(|line| line["fields"]["code"] == "break_glass" && line["level"] == "WARN");
        let told: Vec<String> =
            alarms.map(|line| line["fields"]["break_glass.what"].as_str().unwrap().to_owned()).collect();
        (told.len() >= count).then_some(told)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_key_is_rotated_past_the_gateway_and_that_is_recorded() {
    let data = DataDirectory::new();
    let platform = Platform::up(&data, &[]);
    let client = Client::new(&platform.url).log_in("admin", &administrator_password(&data)).await;
    let person = registered(&client, "usuario2", "reception").await;
    let owner = Operator::new(&data, "owner");
    let file = data.path().join("secrets/master-contact.key");
    let lines = || std::fs::read_to_string(&file).unwrap().lines().map(str::to_owned).collect::<Vec<_>>();
    let before = lines();

    let rotate = ["keys", "rotate", "contact", "--reason", "the last one was seen"];
    owner.refused(&rotate, 2, "--break-glass");
    assert_eq!((lines(), owner.told(&["keys", "break-glass"])["records"].clone()), (before.clone(), json!([])));
    let rotate = [&rotate[..], &["--break-glass"]].concat();
    owner.refused(&rotate, 7, "services hold the last contact key");
    let both = lines();
    assert_eq!((&both[0], both.len()), (&before[0], 2), "who starts from here on holds both");
    assert_eq!(alarms(&owner, 1).await, ["rotation_begun"], "who runs tells of it");
    platform.interrupt();

    let (code, told, stderr) = owner.run(&rotate);
    assert_eq!(code, 0, "{stderr}");
    assert!(told.contains("contact keys are wrapped anew") && stderr.contains("break-glass"), "{told}{stderr}");
    assert_eq!(lines(), both[1..], "the last one is gone");
    let records = owner.told(&["keys", "break-glass"])["records"].clone();
    let what: Vec<_> = records.as_array().unwrap().iter().map(|record| record["what"].as_str().unwrap()).collect();
    assert_eq!(what, ["rotation_done", "rotation_begun", "rotation_begun"]);
    assert!(records[0]["os_user"].as_str().is_some_and(|user| !user.is_empty()), "{records}");

    let platform = Platform::up(&data, &[]);
    let client = Client::new(&platform.url).log_in("admin", &administrator_password(&data)).await;
    let shown = client.get(&format!("/users/{person}")).await;
    assert_eq!(shown.body["email"], "usuario2@laboratorio.cl", "what was sealed before opens under the next key");
    registered(&client, "usuario3", "reception").await;
    let told = ["rotation_begun", "rotation_begun", "rotation_done"];
    assert_eq!(alarms(&owner, 3).await, told, "what was done meanwhile is told after the start, and nothing twice");
    platform.interrupt();
}
