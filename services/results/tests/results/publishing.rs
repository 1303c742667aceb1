//! What the others are told.
use crate::lab::{Lab, a_result, laboratory, physician};
use domain_kernel::message::topics;
use domain_kernel::ports::{KeyVault, Opened, Origin, Purpose};
use domain_kernel::{Message, RecordedEvent};
use infra_contracts::event_result::{self, ResultEvent, ResultStatus};
use infra_contracts::{SealedBytes, catalogue, contact};
use infra_runtime::Profile;
use serde_json::json;

#[tokio::test]
async fn a_filed_result_is_told_with_an_address_that_opens_as_part_of_that_very_message() {
    let lab = Lab::open().await;
    lab.file(json!({"patient": "Ana", "result": "x", "patient_email": "ana@example.org"})).await;
    let [message] = &told(&lab.events().await)[..] else { panic!("one message") };
    assert_eq!(message.headers.event_type, "results.result_created");
    assert_eq!(message.headers.source, "results");
    assert_eq!(message.headers.expects, ["notifications"]);
    assert_eq!(message.headers.actor, Some(laboratory().user));
    let ResultEvent::ResultCreated(created) = event(message) else { panic!("a filed result") };
    assert_eq!((created.number, created.status, created.patient_id), (1, ResultStatus::Final, None));
    assert_eq!(opened(&lab, message, created.contact).await.as_deref(), Some("ana@example.org"));
}

#[tokio::test]
async fn every_event_that_tells_the_patient_has_the_address_sealed_for_itself() {
    let lab = Lab::open().await;
    let id = lab.file(json!({"patient": "Ana", "result": "x", "status": "preliminary"})).await;
    lab.patch(laboratory(), &id, json!({"status": "final"})).await;
    lab.patch(laboratory(), &id, json!({"result": "y", "reason": "z"})).await;
    lab.patch(laboratory(), &id, json!({"result": "w", "reason": "z", "kind": "corrected"})).await;
    lab.patch(laboratory(), &id, json!({"status": "entered_in_error", "reason": "z"})).await;
    let messages = told(&lab.events().await);
    let types: Vec<_> = messages.iter().map(|message| message.headers.event_type.as_str()).collect();
    let expected = [
        "results.result_created",
        "results.result_released",
        "results.result_amended",
        "results.result_corrected",
        "results.result_entered_in_error",
    ];
    assert_eq!(types, expected);
    for message in &messages[..4] {
        let contact = match event(message) {
            ResultEvent::ResultCreated(created) => created.contact,
            ResultEvent::ResultReleased(released) => released.contact,
            ResultEvent::ResultAmended(amended) => amended.contact,
            ResultEvent::ResultCorrected(corrected) => corrected.contact,
            other => panic!("{other:?} has no address"),
        };
        let address = opened(&lab, message, contact).await;
        assert_eq!(address.as_deref(), Some("paciente-1@lab.local"), "{}", message.headers.event_type);
    }
}

#[tokio::test]
async fn without_an_address_nothing_stands_in_outside_the_demo() {
    let lab = Lab::open_in(Profile::Production).await;
    lab.file(a_result()).await;
    let [message] = &told(&lab.events().await)[..] else { panic!("one message") };
    let ResultEvent::ResultCreated(created) = event(message) else { panic!("a filed result") };
    assert_eq!(created.contact, None);
    assert_eq!(created.status, ResultStatus::Preliminary);
}

#[tokio::test]
async fn a_look_is_told_and_a_page_of_a_list_is_not() {
    let lab = Lab::open().await;
    let id = lab.file(a_result()).await;
    lab.get(physician(), &format!("/results/{id}")).await;
    lab.get(physician(), "/results").await;
    let messages = told(&lab.events().await);
    let [_, look] = &messages[..] else { panic!("the filing and the look") };
    let ResultEvent::ResultQueried(queried) = event(look) else { panic!("a look") };
    assert_eq!((queried.result_id.to_string(), queried.number), (id, 1));
    assert_eq!(look.headers.actor, Some(physician().user));
    assert_ne!(look.headers.stream.0, queried.result_id, "looks have streams of their own");
}

#[tokio::test]
async fn a_completion_is_told_and_nobody_owes_an_answer() {
    let lab = Lab::open().await;
    let id = lab.file(json!({"patient": "Ana", "result": "x", "status": "registered"})).await;
    lab.patch(laboratory(), &id, json!({"status": "preliminary"})).await;
    lab.patch(laboratory(), &id, json!({"status": "cancelled", "reason": "y"})).await;
    let messages = told(&lab.events().await);
    let types: Vec<_> = messages.iter().map(|message| message.headers.event_type.as_str()).collect();
    assert_eq!(types, ["results.result_created", "results.result_completed", "results.result_cancelled"]);
    assert!(matches!(event(&messages[1]), ResultEvent::ResultCompleted(completed) if completed.number == 1));
    assert_eq!(messages[1].headers.expects, [""; 0]);
}

#[test]
fn every_result_event_of_the_catalogue_is_stored_here() {
    let stored: Vec<_> = service_results::EVENTS.iter().map(|event| event.name).collect();
    for published in catalogue::PUBLISHED.iter().filter(|published| published.topic == topics::EVENT_RESULT) {
        assert!(stored.contains(&published.event_type), "{}", published.event_type);
    }
}

/// What the service tells on `event-result` of `events`.
fn told(events: &[RecordedEvent]) -> Vec<Message> {
    let publisher = service_results::publisher();
    events.iter().filter_map(|event| publisher.message(topics::EVENT_RESULT, event).unwrap()).collect()
}

fn event(message: &Message) -> ResultEvent {
    event_result::decode(message.headers.contract_version, &message.payload).unwrap().event
}

/// The address, opened with nothing but what the message says of itself.
async fn opened(lab: &Lab, message: &Message, contact: Option<SealedBytes>) -> Option<String> {
    let origin = Origin {
        event_id: message.headers.event_id,
        stream: message.headers.stream,
        version: message.headers.version,
        event_type: message.headers.event_type.clone(),
    };
    let vault = lab.ports.vault.restricted_to(&[Purpose::Contact]);
    match vault.open(Purpose::Contact, &origin, &contact?.0).await.unwrap() {
        Opened::Erased => panic!("the address is there"),
        Opened::Known { schema, plain } => contact::decode(schema, &plain).unwrap().email,
    }
}
