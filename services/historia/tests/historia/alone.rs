//! Every service as processes of its own, two side by side, on a real broker, killed one after the other.
use crate::client::Client;
use crate::load::Load;
use crate::plain_text::nothing_is_in_clear;
use crate::stage::{OTHER_SIDE, SERVICES, Stage};
use crate::told::{each_is_told_once, everything_is_told};
use crate::walk_through::walk;
use infra_testkit::wait_for;
use std::collections::BTreeSet;
use std::time::Duration;

/// The administrator's, and that of the laboratory of the walk-through.
const WELCOMES: usize = 2;

#[tokio::test(flavor = "multi_thread")]
async fn services_side_by_side_lose_nothing_when_each_of_them_and_the_broker_are_killed() {
    let Some(mut stage) = Stage::set().await else { return };
    they_wait_for_schema_and_topics(&mut stage).await;
    let (url, answers) = (stage.url(), stage.directory().join("answers"));
    tokio::task::spawn_blocking(move || walk(&url, &answers)).await.unwrap();
    let others = SERVICES.map(|(name, _)| format!("{name}{OTHER_SIDE}"));
    start(&mut stage, &others).await;

    // Like a client with a list of gateways: who does not get an answer from one asks the other one.
    let laboratory = Client::new(&stage.url()).log_in("usuario2", "password2").await;
    let sides = [laboratory.clone(), laboratory.at(&stage.url_of("bff-2"))];
    let mut filed = BTreeSet::new();
    for (name, _) in SERVICES {
        let load = Load::begin(name, &sides);
        load.is_half_done().await;
        stage.kill_9(name);
        stage.start(name);
        filed.extend(load.taken().await);
        stage.ready(name).await;
    }
    let load = Load::begin("broker", &sides);
    load.is_half_done().await;
    stage.broker.broker().kill().await;
    // Nobody needs the broker to have a result taken.
    filed.extend(load.taken().await);
    stage.broker.broker().start_again().await.unwrap();

    let load = Load::begin("everybody", &sides);
    load.is_half_done().await;
    let everybody: Vec<String> = SERVICES.iter().map(|(name, _)| (*name).to_owned()).chain(others).collect();
    for instance in &everybody {
        stage.kill_9(instance);
    }
    start(&mut stage, &everybody).await;
    filed.extend(load.taken().await);
    assert_eq!(filed.len(), (SERVICES.len() + 2) * Load::RESULTS);

    let administrator = stage.administrator().await;
    let events = everything_is_told(&administrator, &filed, WELCOMES).await;
    let sent = each_is_told_once(&events, &filed, WELCOMES);
    // With the one of the walk-through, however often each was asked for.
    assert_eq!(sent, filed.len() + 1 + WELCOMES);
    // A mail whose answer got lost is sent again under the same id.
    assert_eq!(stage.mail.count(), sent, "one mail for each NotificationSent");
    stage.verify();
    stage.stop().await;
    // What a client was answered is its own.
    std::fs::remove_dir_all(stage.directory().join("answers")).unwrap();
    nothing_is_in_clear(stage.directory(), "the service is ready");
    nothing_is_in_clear(stage.broker.directory(), "results.result_created");
}

/// Started before anything that they need is there, they need no restart.
async fn they_wait_for_schema_and_topics(stage: &mut Stage) {
    for (name, _) in SERVICES {
        stage.start(name);
    }
    for name in ["users", "results", "notifications", "saga-log"] {
        wait_for(&format!("{name} to wait"), Duration::from_secs(60), async || {
            stage.log(name).contains("waiting").then_some(())
        })
        .await;
    }
    stage.run_once("migrations");
    stage.run_once("topics");
    // Nothing is left to do.
    stage.run_once("migrations");
    stage.run_once("topics");
    for (name, _) in SERVICES {
        stage.ready(name).await;
        assert!(stage.is_running(name), "{name}: {}", stage.log(name));
    }
}

/// Starts instances, all at once.
async fn start(stage: &mut Stage, instances: &[String]) {
    for instance in instances {
        stage.start(instance);
    }
    for instance in instances {
        stage.ready(instance).await;
    }
}
