//! `replay`: told beforehand, done, told afterwards; killed and gone on with; and what anchors find.
use crate::client::Client;
use crate::operating::Operator;
use crate::platform::{DataDirectory, HISTORIA, Platform, administrator_password, historia};
use crate::schemas;
use crate::told::everything_is_told;
use hyper::StatusCode;
use infra_runtime::database;
use infra_runtime::postgres::{self, Cluster};
use infra_testkit::wait_for;
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};
use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Enough for a rebuild to be caught in the middle.
const EVENTS: u64 = 30_000;
/// How long a test waits for another process.
const PATIENCE: Duration = Duration::from_secs(60);

fn document(data: &DataDirectory, arguments: &[&str]) -> Value {
    let output = historia(data, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let document = serde_json::from_slice(&output.stdout).unwrap();
    match arguments {
        ["replay", "run", more @ ..] if more.contains(&"--dry-run") => schemas::check("replay-plan", &document),
        ["replay", "run", more @ ..] if more.contains(&"--to") => schemas::check("replay-simulate", &document),
        ["replay", ..] => schemas::check(&schemas::of(arguments), &document),
        _ => {}
    }
    document
}

/// The lines that a verb prints for a program that takes columns.
fn lines(data: &DataDirectory, arguments: &[&str]) -> Vec<Vec<String>> {
    let output = historia(data, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

fn of<'a>(report: &'a Value, name: &str) -> &'a Value {
    let projections = report["projections"].as_array().unwrap();
    projections.iter().find(|projection| projection["name"] == name).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_is_planned_run_and_told_of() {
    let data = DataDirectory::new();
    let platform = Platform::up(&data, &[]);
    let account = json!({"username": "usuario2", "password": "password2", "role": 1});
    assert_eq!(Client::new(&platform.url).post("/users", account).await.status, StatusCode::CREATED);

    let plan = document(&data, &["replay", "plan", "--json"]);
    let planned = of(&plan, "user_list");
    assert!(planned["events"].as_u64().unwrap() > 0, "{plan}");
    assert_eq!(
        (&planned["folded"], &planned["estimated_seconds"], &planned["busy"]),
        (&json!(0), &json!(null), &json!(false))
    );
    assert_eq!(planned["tables"].as_array().unwrap().len(), 1, "{plan}");
    let simulated = document(&data, &["replay", "simulate", "user_list", "--json", "--no-progress"]);
    let tables = of(&simulated, "user_list")["tables"].as_array().unwrap();
    assert!(tables.iter().all(|table| table["differences"] == 0), "the same rules make the same rows: {simulated}");
    let dry = document(&data, &["replay", "run", "all", "--dry-run", "--json"]);
    assert_eq!(of(&dry, "user_list")["tables"], planned["tables"], "a dry run is the plan");
    let before = document(&data, &["replay", "status", "--json"]);
    assert_eq!(of(&before, "user_list")["rebuild"], json!(null), "and nothing was done");

    let run = document(&data, &["replay", "run", "all", "--parallel", "3", "--json", "--no-progress"]);
    assert_eq!(run["projections"].as_array().unwrap().len(), plan["projections"].as_array().unwrap().len());
    let ran = of(&run, "user_list");
    assert_eq!((&ran["generation"], &ran["resumed"]), (&json!(2), &json!(0)), "{run}");
    let after = document(&data, &["replay", "status", "--json"]);
    let rebuilt = of(&after, "user_list");
    assert_eq!((&rebuilt["generation"], &rebuilt["rebuild"]["state"]), (&json!(2), &json!("finished")), "{after}");
    assert_eq!(rebuilt["rebuild"]["done"], ran["events"]);
    assert!(of(&document(&data, &["replay", "plan", "--json"]), "user_list")["estimated_seconds"].is_number());
    let shown = lines(&data, &["replay", "status"]);
    assert!(shown.iter().any(|row| row[..3] == ["users", "user_list", "1"] && row[7] == "finished"), "{shown:?}");
    platform.interrupt();
    let verified = lines(&data, &["replay", "verify", "--no-progress"]);
    assert!(verified.len() == 4 && verified.iter().all(|row| row[1] == "true"), "{verified:?}");
    every_form_is_printed(&data);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_history_is_planned_verified_and_folded_as_it_was_then() {
    let data = loaded(200).await;
    let platform = Platform::up(&data, &[]);
    wait_for("the read models to have it all", PATIENCE, async || {
        let status = document(&data, &["replay", "status", "-o", "json"]);
        (of(&status, "access_log")["behind_events"] == 0).then_some(())
    })
    .await;
    let all = of(&document(&data, &["replay", "plan", "access_log", "-o", "json"]), "access_log").clone();
    let events = all["events"].as_u64().unwrap();
    let part = document(&data, &["replay", "plan", "access_log", "--from", "11", "--to", "60", "-o", "json"]);
    assert_eq!(of(&part, "access_log")["events"], 50, "{part}");
    let future = document(&data, &["replay", "plan", "access_log", "--from", "2999-01-01", "-o", "json"]);
    assert_eq!(of(&future, "access_log")["events"], 0);

    let verified = document(&data, &["replay", "verify", "--from", "11", "--to", "60", "--no-progress", "-o", "json"]);
    assert_eq!(verified["whole"], true, "{verified}");
    let services = verified["services"].as_array().unwrap();
    let results = services.iter().find(|service| service["service"] == "results").unwrap();
    assert_eq!((&results["events"], &results["projections"]), (&json!(50), &json!([])), "{results}");

    let before = document(&data, &["replay", "status", "-o", "json"]);
    let to = ["replay", "run", "access_log", "--to", "60", "--no-progress", "-o", "json"];
    let then = document(&data, &to);
    let ended = of(&then, "access_log")["events"].as_u64().unwrap();
    assert!(ended == 60 && ended < events, "{then}");
    let gone = then["rows"].as_array().unwrap().iter().any(|row| row["would_be"] == "gone");
    assert!(gone, "what came later was not there: {then}");
    assert_eq!(document(&data, &["replay", "status", "-o", "json"]), before, "nothing was swapped");
    let dry = document(&data, &["replay", "run", "access_log", "--to", "60", "--dry-run", "-o", "json"]);
    assert_eq!(of(&dry, "access_log")["events"], 60);

    let refused = |arguments: &[&str], code: i32, words: &str| {
        let output = historia(&data, arguments);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(code), 0), "{arguments:?}: {told}");
        assert!(told.contains(words), "{arguments:?}: {told}");
    };
    refused(&["replay", "run", "access_log", "--from", "11"], 2, "from the first event on");
    refused(&["replay", "simulate", "access_log", "--from", "11"], 2, "--candidate");
    refused(&["replay", "simulate", "access_log", "--candidate", "9"], 4, "it has: none");
    refused(&["replay", "verify", "--from", "yesterday"], 2, "no moment");
    platform.interrupt();
}

/// In the forms that every verb has.
fn every_form_is_printed(data: &DataDirectory) {
    let names = lines(data, &["replay", "plan", "-q"]).concat();
    assert!(names.contains(&"result_summary".to_owned()), "{names:?}");
    let csv = lines(data, &["replay", "simulate", "all", "--no-progress", "-o", "csv"]).concat();
    assert!(csv.is_empty(), "nothing would come out differently: {csv:?}");
    let csv = lines(data, &["replay", "verify", "--no-progress", "-o", "csv"]).concat();
    assert!(csv[0].starts_with("service,whole,streams,events,first_bad.position,"), "{csv:?}");
    let ndjson = lines(data, &["replay", "run", "user_list", "--no-progress", "-o", "ndjson"]).concat();
    assert_eq!(serde_json::from_str::<Value>(&ndjson.concat()).unwrap()["name"], "user_list");
    let anchors = lines(data, &["replay", "anchor", "--no-progress", "-o", "plain"]);
    assert!(anchors.iter().any(|row| row[0] == "users" && row[4].len() == 64), "{anchors:?}");
}

/// A data directory with made-up history, where `up` has run until everybody was told of what it does itself.
async fn loaded(events: u64) -> DataDirectory {
    let data = DataDirectory::new();
    let platform = Platform::up(&data, &[]);
    let administrator = Client::new(&platform.url).log_in("admin", &administrator_password(&data)).await;
    everything_is_told(&administrator, &BTreeSet::new(), 1).await;
    platform.interrupt();
    let loaded = document(&data, &["demo", "load", "--events", &events.to_string(), "--json", "--no-progress"]);
    assert_eq!(loaded["events"], events);
    data
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_killed_at_10_50_and_90_percent_goes_on_while_writes_do_and_equals_a_fresh_fold() {
    let data = loaded(EVENTS).await;
    let platform = Platform::up(&data, &["--rate-post", "100000", "--rate-all", "100000"]);
    let anybody = Client::new(&platform.url);
    let account = json!({"username": "usuario2", "password": "password2", "role": 1});
    assert_eq!(anybody.post("/users", account).await.status, StatusCode::CREATED);
    let laboratory = anybody.log_in("usuario2", "password2").await;
    let administrator = Operator::new(&data, "administrator");
    let secret = data.path().join("secrets/administrator-password").display().to_string();
    administrator.log_in(&platform.url, "admin", &secret);
    let writes = async {
        loop {
            let filed = json!({"patient": "Paciente de Prueba", "result": "Resultado Positivo"});
            assert_eq!(laboratory.post("/results", filed).await.status, StatusCode::CREATED, "no request fails");
        }
    };
    let rebuilds = async {
        let options = postgres::running(&data.path().join("postgres")).unwrap().unwrap();
        let pool = database::pool(options.database("historia_results"), 2).await.unwrap();
        let mut before = 0;
        for percent in [10, 50, 90] {
            let folded = kill_at(&data, &pool, EVENTS * percent / 100).await;
            assert!(folded > before, "{folded} after {before}: it went on");
            before = folded;
            let listed = administrator.told(&["projections", "list"]);
            let seen = &of(&listed, "access_log")["rebuild"];
            assert_eq!((&seen["done"], &seen["running"]), (&json!(folded), &json!(false)), "{listed}");
            assert!(seen["total"].as_u64().unwrap() > EVENTS, "{listed}");
        }
        pool.close().await;
        let run = tokio::task::spawn_blocking({
            let path = data.path();
            move || Command::new(HISTORIA).args(RUN).arg("--json").env("HISTORIA_DATA_DIR", path).output().unwrap()
        });
        let run: Value = serde_json::from_slice(&run.await.unwrap().stdout).unwrap();
        assert_eq!(of(&run, "access_log")["resumed"], before, "nothing is folded twice");
        assert!(of(&run, "access_log")["events"].as_u64().unwrap() > EVENTS, "what came meanwhile is in it");
    };
    tokio::select! {
        () = rebuilds => {}
        () = writes => {}
    }
    platform.interrupt();
    let verified = document(&data, &["replay", "verify", "--json", "--no-progress"]);
    assert_eq!(verified["whole"], true, "{verified}");
}

const RUN: [&str; 4] = ["replay", "run", "access_log", "--no-progress"];

/// Begins or goes on with a rebuild and kills it once it has folded `events`; gives how many it had folded.
async fn kill_at(data: &DataDirectory, pool: &PgPool, events: u64) -> u64 {
    let mut run = Command::new(HISTORIA);
    let mut child = run.args(RUN).env("HISTORIA_DATA_DIR", data.path()).stdin(Stdio::null()).spawn().unwrap();
    let there = async {
        loop {
            let mut look = pool.begin().await.unwrap();
            let (folded, finished) = folded(&mut look).await;
            assert!(!finished, "the rebuild was quicker than the test");
            if folded >= events {
                return look;
            }
            look.rollback().await.unwrap();
        }
    };
    // Whoever looks holds the row that each step of the rebuild has to change: it takes none before it is killed.
    let look = tokio::time::timeout(PATIENCE, there).await.expect("the rebuild gets there");
    child.kill().unwrap();
    child.wait().unwrap();
    look.rollback().await.unwrap();
    // What the server was doing for it when it died is done or undone when its lock is free.
    wait_for("the killed rebuild's lock to be free", PATIENCE, async || {
        let held: bool = sqlx::query_scalar(
            "select exists (select from pg_locks where locktype = 'advisory' and pid <> pg_backend_pid()
               and objsubid = 1 and database = (select oid from pg_database where datname = current_database()))",
        )
        .fetch_one(pool)
        .await
        .unwrap();
        (!held).then_some(())
    })
    .await;
    folded(&mut pool.acquire().await.unwrap()).await.0
}

/// How many events the rebuild has folded, and whether that was all.
async fn folded(connection: &mut PgConnection) -> (u64, bool) {
    let row = sqlx::query_as(
        "select events, finished_at is not null from projection_rebuild where name = 'access_log' for update",
    );
    let (folded, finished): (i64, bool) = row.fetch_optional(connection).await.unwrap().unwrap_or_default();
    (u64::try_from(folded).unwrap(), finished)
}

#[tokio::test(flavor = "multi_thread")]
async fn made_up_history_is_whole_and_nobody_hears_of_it() {
    let data = loaded(500).await;
    let running = Platform::up(&data, &[]);
    let refused = historia(&data, &["demo", "load", "--events", "1"]);
    assert_eq!(refused.status.code(), Some(7), "never while `up` runs");
    running.interrupt();
    let verified = document(&data, &["replay", "verify", "--json", "--no-progress"]);
    assert_eq!(verified["whole"], true, "{verified}");
    let events = |service: &str| {
        let services = verified["services"].as_array().unwrap();
        services.iter().find(|found| found["service"] == service).unwrap()["events"].as_u64().unwrap()
    };
    assert!(events("results") >= 500);
    // Of the administrator's account they hear; each of 25 results would have been more than all of that.
    assert!(events("notifications") < 10 && events("saga_log") < 25, "{verified}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_that_was_cut_off_is_found_by_an_anchor_that_left_the_server() {
    let data = loaded(200).await;
    let anchors = historia(&data, &["replay", "anchor", "--no-progress"]);
    assert!(anchors.status.success(), "{}", String::from_utf8_lossy(&anchors.stderr));
    schemas::check("replay-anchor", &serde_json::from_slice(&anchors.stdout).unwrap());
    let elsewhere = data.root().join("anchors.json");
    std::fs::write(&elsewhere, &anchors.stdout).unwrap();
    let verify = ["replay", "verify", "--json", "--no-progress", "--anchor", elsewhere.to_str().unwrap()];
    let results = |report: &Value| -> Value {
        let services = report["services"].as_array().unwrap();
        services.iter().find(|service| service["service"] == "results").unwrap().clone()
    };
    assert_eq!(results(&document(&data, &verify))["anchors"], json!({"holding": 2, "first_bad": null}));

    cut_off_the_tail(&data).await;
    let found = historia(&data, &verify);
    assert_eq!(found.status.code(), Some(3), "{}", String::from_utf8_lossy(&found.stderr));
    let found: Value = serde_json::from_slice(&found.stdout).unwrap();
    schemas::check("replay-verify", &found);
    let found = results(&found);
    assert_eq!(found["first_bad"], json!(null), "the chain says nothing: {found}");
    let problem = found["anchors"]["first_bad"]["problem"].as_str().unwrap();
    assert!(problem.contains("cut off"), "{found}");
}

/// Removes the last event of the results with everything that names it, and the anchors that the server kept.
async fn cut_off_the_tail(data: &DataDirectory) {
    let cluster = Cluster::start(&data.path().join("postgres"), None, true).await.unwrap();
    let pool = database::pool(cluster.options().database("historia_results"), 1).await.unwrap();
    sqlx::raw_sql(
        "alter table event disable trigger event_append_only;
         create temporary table tail as
           select stream_id, version, position from event order by epoch desc, tx desc, position desc limit 1;
         delete from command_done using tail
           where command_done.stream_id = tail.stream_id and command_done.version = tail.version;
         delete from event using tail where event.position = tail.position;
         delete from anchor;
         update stream set version = stream.version - 1, last_hash = event.hash from tail, event
           where stream.stream_id = tail.stream_id and event.stream_id = tail.stream_id
             and event.version = tail.version - 1",
    )
    .execute(&pool)
    .await
    .unwrap();
    pool.close().await;
    cluster.stop().await.unwrap();
}
