//! A service's catalogue of stored events.
use super::*;
use serde::Deserialize;

const CREATED_1: &str = r#"{"type":"record","name":"Created","fields":[{"name":"role","type":"int"}]}"#;
const CREATED_2: &str = r#"{"type":"record","name":"Created","fields":[
    {"name":"role","type":"int"},{"name":"sealed_contact","type":["null","bytes"],"default":null}]}"#;
const INNER: &str = r#"{"type":"record","name":"Inner","fields":[{"name":"email","type":"string"}]}"#;

static ONE: &[StoredEventType] =
    &[StoredEventType { type_id: 1, name: "things.created", category: "thing", schemas: &[CREATED_1], sealed: &[] }];
static TWO: &[StoredEventType] = &[StoredEventType {
    type_id: 1,
    name: "things.created",
    category: "thing",
    schemas: &[CREATED_1, CREATED_2],
    sealed: &[(Purpose::Contact, &[INNER])],
}];
const CREATED: EventTypeId = EventTypeId(1);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename = "Created")]
struct Created1 {
    role: i32,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename = "Created")]
struct Created2 {
    role: i32,
    sealed_contact: Option<SealedBytes>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Inner {
    email: String,
}

#[test]
fn an_event_is_written_with_the_newest_schema_and_says_so() {
    let events = StoredEvents::new(TWO).unwrap();
    let created = Created2 { role: 1, sealed_contact: Some(SealedBytes(vec![1, 2, 3])) };
    let (version, bytes) = events.encode(CREATED, &created).unwrap();
    assert_eq!(version, SchemaVersion(2));
    assert_eq!(events.decode::<Created2>(CREATED, version, &bytes), Ok(created));
}

#[test]
fn an_event_of_an_older_schema_is_read() {
    let (version, bytes) = StoredEvents::new(ONE).unwrap().encode(CREATED, &Created1 { role: 4 }).unwrap();
    assert_eq!(version, SchemaVersion(1));
    let read = StoredEvents::new(TWO).unwrap().decode::<Created2>(CREATED, version, &bytes);
    assert_eq!(read, Ok(Created2 { role: 4, sealed_contact: None }));
}

#[test]
fn a_newer_binarys_event_is_not_known() {
    let events = StoredEvents::new(ONE).unwrap();
    let unknown = |type_id, schema| Err(StoredError::UnknownType { type_id, schema });
    assert_eq!(events.decode::<Created1>(CREATED, SchemaVersion(2), &[]), unknown(1, 2));
    assert_eq!(events.decode::<Created1>(CREATED, SchemaVersion(0), &[]), unknown(1, 0));
    assert_eq!(events.decode::<Created1>(EventTypeId(9), SchemaVersion(1), &[]), unknown(9, 0));
}

#[test]
fn a_sealed_record_has_a_schema_of_its_own() {
    let events = StoredEvents::new(TWO).unwrap();
    let inner = Inner { email: "somebody@example.org".to_owned() };
    let (schema, plain) = events.encode_sealed(CREATED, Purpose::Contact, &inner).unwrap();
    assert_eq!(schema, 1);
    assert_eq!(events.decode_sealed(CREATED, Purpose::Contact, schema, &plain), Ok(inner));
    let refused = events.encode_sealed(CREATED, Purpose::Clinical, &Inner { email: String::new() });
    assert_eq!(refused, Err(StoredError::NotSealed { type_id: 1, purpose: Purpose::Clinical }));
}

#[test]
fn a_type_is_found_by_number_and_by_name() {
    let events = StoredEvents::new(ONE).unwrap();
    assert_eq!(events.name(CREATED), Some("things.created"));
    assert_eq!(events.type_id("things.created"), Some(CREATED));
    assert_eq!(events.name(EventTypeId(2)), None);
    assert_eq!(events.all().count(), 1);
}

#[test]
fn a_number_or_name_is_taken_once() {
    let twice = StoredEvents::new(ONE).unwrap().with(TWO).unwrap_err();
    assert_eq!(twice, CatalogueError::Twice { event: "things.created" });
}

#[test]
fn a_number_is_taken_once_and_so_is_a_name() {
    const BARE: StoredEventType =
        StoredEventType { type_id: 1, name: "things.created", category: "thing", schemas: &[CREATED_1], sealed: &[] };
    static OTHER_NAME: &[StoredEventType] = &[StoredEventType { name: "things.made", ..BARE }];
    static OTHER_NUMBER: &[StoredEventType] = &[StoredEventType { type_id: 2, ..BARE }];
    let again = |types| StoredEvents::new(ONE).unwrap().with(types).unwrap_err();
    assert_eq!(again(OTHER_NAME), CatalogueError::Twice { event: "things.made" });
    assert_eq!(again(OTHER_NUMBER), CatalogueError::Twice { event: "things.created" });
}

#[test]
fn an_event_is_shown_by_the_schema_that_it_was_written_with() {
    let events = StoredEvents::new(TWO).unwrap();
    let (first, bytes) = StoredEvents::new(ONE).unwrap().encode(CREATED, &Created1 { role: 4 }).unwrap();
    assert_eq!(events.show(CREATED, first, &bytes).unwrap(), serde_json::json!({"role": 4}));
    let created = Created2 { role: 4, sealed_contact: Some(SealedBytes(vec![1, 2, 3])) };
    let (second, bytes) = events.encode(CREATED, &created).unwrap();
    let shown = serde_json::json!({"role": 4, "sealed_contact": "[3 bytes]"});
    assert_eq!(events.show(CREATED, second, &bytes).unwrap(), shown);
}

#[test]
fn a_schema_that_does_not_read_its_forerunner_is_refused_by_field() {
    const OTHER: &str = r#"{"type":"record","name":"Created","fields":[{"name":"role","type":"string"}]}"#;
    static BROKEN: &[StoredEventType] = &[StoredEventType {
        type_id: 1,
        name: "things.created",
        category: "thing",
        schemas: &[CREATED_1, OTHER],
        sealed: &[],
    }];
    let Err(CatalogueError::Incompatible { event, reader, writer, source }) = StoredEvents::new(BROKEN) else {
        panic!("accepted")
    };
    assert_eq!((event, reader, writer, source.field.as_str()), ("things.created", 2, 1, "Created.role"));
}

#[test]
fn a_type_without_schema_is_refused() {
    static BARE: &[StoredEventType] =
        &[StoredEventType { type_id: 1, name: "things.created", category: "thing", schemas: &[], sealed: &[] }];
    assert_eq!(StoredEvents::new(BARE).unwrap_err(), CatalogueError::NoSchema { event: "things.created" });
}
