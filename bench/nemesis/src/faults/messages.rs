//! F16, F17: messages that come again, out of order, or that no service would send.
use crate::campaign::Campaign;
use crate::wire::{Connection, Raw};
use platform::Failure;
use std::time::{Duration, Instant};

/// How long poison may be tried.
const SET_ASIDE: Duration = Duration::from_secs(120);

/// The one partition that each topic has here.
fn partition(topic: &str) -> String {
    format!("persistent://historia/clinic/{topic}-partition-0")
}

/// Everything that lies in a topic now.
pub async fn lying_in(campaign: &Campaign, topic: &str) -> Result<Vec<Raw>, Failure> {
    let stored = format!("persistent/historia/clinic/{topic}-partition-0/internalStats");
    let stored =
        campaign.stage.broker.admin(&stored).await?["numberOfEntries"].as_u64().ok_or("no number of entries")?;
    let mut connection = Connection::open(campaign.stage.broker.port).await?;
    connection.read(&partition(topic), usize::try_from(stored)?).await
}

/// A producer with the schema that is registered.
async fn producer(campaign: &Campaign, topic: &str) -> Result<Connection, Failure> {
    let registered = campaign.stage.broker.admin(&format!("schemas/historia/clinic/{topic}/schema")).await?;
    let schema = registered["data"].as_str().ok_or("there is no schema")?;
    let mut connection = Connection::open(campaign.stage.broker.port).await?;
    connection.produce(&partition(topic), Some(schema)).await?;
    Ok(connection)
}

/// F16: the last messages of every topic once more, the newest first, then shuffled.
pub async fn again(campaign: &mut Campaign) -> Result<(), Failure> {
    campaign.load().await;
    let mut count = 0;
    for topic in ["event-user", "event-result", "event-notification", "saga-step"] {
        let mut messages = lying_in(campaign, topic).await?;
        let mut messages = messages.split_off(messages.len().saturating_sub(campaign.extent.of(25, 200)));
        let mut producer = producer(campaign, topic).await?;
        for message in messages.iter().rev() {
            producer.publish(message).await?;
        }
        for index in (1..messages.len()).rev() {
            messages.swap(index, usize::try_from(campaign.random(index as u64 + 1))?);
        }
        for message in &messages {
            producer.publish(message).await?;
        }
        count += 2 * messages.len();
    }
    campaign.recover(&format!("F16 {count} messages again, out of order")).await
}

/// F17: what nobody can handle, among what everybody has to.
pub async fn poison(campaign: &mut Campaign) -> Result<(), Failure> {
    const TOPIC: &str = "event-result";
    campaign.load().await;
    let genuine = lying_in(campaign, TOPIC).await?;
    let genuine = genuine.into_iter().rfind(|raw| raw.property("ce_type") == "results.result_created");
    let genuine = genuine.ok_or("there is no result yet")?;
    let version: u32 = genuine.property("ce_dataschema").rsplit('v').next().unwrap_or_default().parse()?;
    let mut producer = producer(campaign, TOPIC).await?;
    let mut dead = Vec::new();
    type Change = fn(&mut Raw, u32);
    // What is wrong with it, and whether it is a service's message all the same, so that it has to become a dead letter.
    let wrong: [(Change, bool); 10] = [
        (|raw, _| raw.payload = b"no record of this contract".to_vec(), false),
        (|raw, _| raw.payload = Vec::new(), false),
        (|raw, _| raw.payload = vec![0x5a; 4 << 20], false),
        (|raw, _| raw.payload.truncate(raw.payload.len() / 2), false),
        (|raw, _| raw.properties.clear(), false),
        (|raw, _| raw.key = "somebody-else".to_owned(), false),
        (|raw, _| raw.set("ce_type", "results.result_exploded"), false),
        (|raw, version| raw.set("ce_dataschema", &format!("event-result/v{}", version + 1)), true),
        (|raw, version| raw.set("ce_dataschema", &format!("event-result/v{}", version.max(2) - 1)), false),
        // As it was, but for its ids: its sealed part belongs to another event.
        (|_, _| (), true),
    ];
    for (change, is_dead) in wrong {
        let (mut forged, event) = forged(campaign, &genuine);
        change(&mut forged, version);
        campaign.poison.insert(event.clone());
        producer.publish(&forged).await?;
        if is_dead {
            dead.push(event);
        }
    }
    let mut stranger = Connection::open(campaign.stage.broker.port).await?;
    let other = r#"{"type":"record","name":"Other","fields":[]}"#;
    let refused = stranger.produce(&partition(TOPIC), Some(other)).await.is_err();
    let mut stranger = Connection::open(campaign.stage.broker.port).await?;
    let refused = refused && stranger.produce(&partition(TOPIC), None).await.is_err();
    campaign.recover(&format!("F17 {} poisonous messages", wrong.len())).await?;
    let set_aside = "select event_id from dead_letter union
        select source_event from notification_v1 where state = 'dead'";
    let (begun, mut parked) = (Instant::now(), 0);
    while parked < dead.len() && begun.elapsed() < SET_ASIDE {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let found = campaign.stage.postgres.query("historia_notifications", set_aside)?;
        parked = dead.iter().filter(|event| found.iter().any(|row| row.contains(event))).count();
    }
    let what = format!(
        "{parked} of {} that can be read and not handled are set aside; unregistered schemas refused: {refused}",
        dead.len()
    );
    campaign.asked("F17 poison is set aside", &what, refused && parked == dead.len());
    Ok(())
}

/// A copy under other ids, everywhere where they stand, and its event's id.
fn forged(campaign: &mut Campaign, genuine: &Raw) -> (Raw, String) {
    let (event, stream) = (campaign.random_id(), campaign.random_id());
    let mut raw = genuine.clone();
    for (property, new) in [("ce_id", &event), ("ce_subject", &stream)] {
        let old = genuine.property(property).to_owned();
        raw.set(property, new);
        let places: Vec<usize> = (0..raw.payload.len().saturating_sub(old.len()))
            .filter(|at| raw.payload[*at..].starts_with(old.as_bytes()))
            .collect();
        for at in places {
            raw.payload[at..at + old.len()].copy_from_slice(new.as_bytes());
        }
    }
    raw.key = stream;
    (raw, event)
}
