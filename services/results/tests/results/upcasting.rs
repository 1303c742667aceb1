//! A log that holds two versions of one event: what an older release stored, and what this one stores.
use crate::lab::{Lab, PATIENCE, a_result, laboratory};
use crate::mailroom::Mailroom;
use chrono::{DateTime, Utc};
use domain_kernel::ports::{Append, AppendCommand, AppendOutcome};
use domain_kernel::{
    CommandId, CorrelationId, EventId, EventMetadata, EventTypeId, Head, NewEvent, SchemaVersion, StreamId, Timestamp,
};
use domain_results::result_notification::notification_stream;
use infra_contracts::avro::AvroSchema;
use infra_event_store::projection::{self, Projection};
use infra_testkit::wait_for;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

/// `results.patient_notification_failed`
const FAILED: EventTypeId = EventTypeId(31);
const VERSION_1: &str = include_str!("../../../../schemas/stored/results/patient_notification_failed.v1.avsc");

/// The record as the release before version 2 wrote it.
#[derive(Serialize)]
#[serde(rename = "PatientNotificationFailed")]
struct FailedOfVersion1 {
    result_id: Uuid,
    notification_id: Uuid,
    handling_attempt: i32,
    code: String,
}

#[tokio::test]
async fn a_read_model_is_rebuilt_across_the_change_of_an_event() {
    let lab = Lab::open().await;
    let mailroom = Mailroom::open(&lab.resources).await;
    let [of_version_1, of_version_2] = [lab.file(a_result()).await, lab.file(a_result()).await];
    let heard_at = lab.now();
    store_version_1(&lab, of_version_1.parse().unwrap(), heard_at).await;
    let told = mailroom.failed(of_version_2.parse().unwrap());
    wait_for("both to be on the worklist", PATIENCE, async || {
        let calls = lab.get(laboratory(), "/worklist/calls").await;
        (calls.body["items"].as_array()?.len() == 2).then_some(())
    })
    .await;
    let versions: Vec<i16> = lab
        .events()
        .await
        .into_iter()
        .filter(|event| event.type_id == FAILED)
        .map(|event| event.schema_version.0)
        .collect();
    assert_eq!(versions, [1, 2], "one log holds both");

    let expected = [(of_version_1, heard_at), (of_version_2, told.headers.occurred_at)]
        .map(|(id, since)| json!({"id": id, "notification": "failed", "code": "smtp-550", "since": moment(since)}));
    let mut expected = expected.to_vec();
    expected.sort_by_key(|call| call["since"].to_string());
    assert_eq!(
        worklist(&lab).await,
        expected,
        "the older event waits since it was heard of, the newer since it failed"
    );
    for model in service_results::projections() {
        rebuild(&lab, &*model).await;
    }
    assert_eq!(worklist(&lab).await, expected, "and the same after a rebuild");
}

async fn rebuild(lab: &Lab, model: &dyn Projection) {
    let (store, pool) = (&*lab.resources.store, &lab.resources.pool);
    assert!(projection::verify(model, store, pool, |_| {}).await.unwrap().is_equal(), "{} before", model.name());
    projection::rebuild(model, store, pool, |_| {}).await.unwrap();
    assert!(projection::verify(model, store, pool, |_| {}).await.unwrap().is_equal(), "{} after", model.name());
}

/// Appends what the consumer of the release before would have appended.
async fn store_version_1(lab: &Lab, result: Uuid, heard_at: Timestamp) {
    let record = FailedOfVersion1 {
        result_id: result,
        notification_id: Uuid::from_u128(9),
        handling_attempt: 1,
        code: "smtp-550".to_owned(),
    };
    let (event_id, correlation_id) = (EventId(Uuid::from_u128(10)), CorrelationId(Uuid::from_u128(11)));
    let event = NewEvent {
        type_id: FAILED,
        schema_version: SchemaVersion(1),
        metadata: EventMetadata { event_id, correlation_id, causation_id: None, actor: None, occurred_at: heard_at },
        payload: AvroSchema::parse(VERSION_1).unwrap().encode(&record).unwrap(),
    };
    let command = AppendCommand {
        command_id: CommandId(Uuid::from_u128(12)),
        digest: None,
        correlation_id,
        claims: vec![],
        releases: vec![],
        events: vec![event],
    };
    let stream = notification_stream(StreamId(result));
    let appended =
        lab.resources.store.append(Append { stream, expected: Head::default(), commands: vec![command] }).await;
    assert!(matches!(appended, Ok(AppendOutcome::Appended(_))), "{appended:?}");
}

async fn worklist(lab: &Lab) -> Vec<serde_json::Value> {
    let calls = lab.get(laboratory(), "/worklist/calls").await;
    let items = calls.body["items"].as_array().unwrap();
    items
        .iter()
        .map(|call| {
            json!({"id": call["id"], "notification": call["notification"], "code": call["code"], "since": call["since"]})
        })
        .collect()
}

fn moment(at: Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(at.0).unwrap()
}
