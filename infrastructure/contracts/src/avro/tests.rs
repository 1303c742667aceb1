//! What was written with one schema and is read with another.
use super::*;
use crate::SealedBytes;
use serde::Deserialize;
use uuid::Uuid;

const FIRST: &str = r#"{"type":"record","name":"Thing","namespace":"t","fields":[
    {"name":"id","type":{"type":"string","logicalType":"uuid"}},
    {"name":"old","type":["null",{"type":"record","name":"Old","fields":[
        {"name":"kind","type":{"type":"enum","name":"Kind","symbols":["unknown","near","far"],"default":"unknown"}},
        {"name":"sealed","type":["null","bytes"],"default":null}]}],"default":null}
]}"#;
const SECOND: &str = r#"{"type":"record","name":"Thing","namespace":"t","fields":[
    {"name":"id","type":{"type":"string","logicalType":"uuid"}},
    {"name":"old","type":["null",{"type":"record","name":"Old","fields":[
        {"name":"kind","type":{"type":"enum","name":"Kind","symbols":["unknown","near"],"default":"unknown"}},
        {"name":"sealed","type":["null","bytes"],"default":null},
        {"name":"note","type":["null","string"],"default":null}]}],"default":null},
    {"name":"count","type":"int","default":7},
    {"name":"new","type":["null",{"type":"record","name":"New","fields":[]}],"default":null}
]}"#;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Unknown,
    Near,
    Far,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename = "Thing")]
struct First {
    id: Uuid,
    old: Option<FirstOld>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename = "Old")]
struct FirstOld {
    kind: Kind,
    sealed: Option<SealedBytes>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename = "Thing")]
struct Second {
    id: Uuid,
    old: Option<SecondOld>,
    count: i32,
    new: Option<New>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename = "Old")]
struct SecondOld {
    kind: Kind,
    sealed: Option<SealedBytes>,
    note: Option<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct New {}

fn first(kind: Kind) -> First {
    First { id: Uuid::from_u128(1), old: Some(FirstOld { kind, sealed: Some(SealedBytes(vec![0, 255, 7])) }) }
}

fn schemas() -> (AvroSchema, AvroSchema) {
    (AvroSchema::parse(FIRST).unwrap(), AvroSchema::parse(SECOND).unwrap())
}

#[test]
fn what_an_older_schema_wrote_is_read_with_the_newer_ones_defaults() {
    let (old, new) = schemas();
    let bytes = old.encode(&first(Kind::Near)).unwrap();
    let expected = Second {
        id: Uuid::from_u128(1),
        old: Some(SecondOld { kind: Kind::Near, sealed: Some(SealedBytes(vec![0, 255, 7])), note: None }),
        count: 7,
        new: None,
    };
    assert_eq!(new.decode::<Second>(&old, &bytes), Ok(expected));
}

#[test]
fn what_a_newer_schema_wrote_is_read_without_what_the_older_one_does_not_know() {
    let (old, new) = schemas();
    let written = Second {
        id: Uuid::from_u128(1),
        old: Some(SecondOld { kind: Kind::Near, sealed: None, note: Some("kept for later".to_owned()) }),
        count: 9,
        new: Some(New {}),
    };
    let expected = First { id: Uuid::from_u128(1), old: Some(FirstOld { kind: Kind::Near, sealed: None }) };
    assert_eq!(old.decode::<First>(&new, &new.encode(&written).unwrap()), Ok(expected));
}

#[test]
fn a_symbol_that_the_reader_does_not_have_becomes_its_default() {
    let (old, new) = schemas();
    let bytes = old.encode(&first(Kind::Far)).unwrap();
    assert_eq!(new.decode::<Second>(&old, &bytes).unwrap().old.unwrap().kind, Kind::Unknown);
}

#[test]
fn an_id_is_written_as_text() {
    let (old, _) = schemas();
    let bytes = old.encode(&first(Kind::Near)).unwrap();
    assert_eq!(&bytes[1..37], Uuid::from_u128(1).to_string().as_bytes());
}

#[test]
fn a_value_that_does_not_fit_is_refused_with_the_name_of_its_field() {
    #[derive(Serialize)]
    struct Wrong {
        id: i32,
        old: Option<FirstOld>,
    }
    let refused = schemas().0.encode(&Wrong { id: 1, old: None }).unwrap_err();
    assert_eq!(refused, AvroError::Encode { record: "Thing".to_owned(), field: "id".to_owned() });
}

#[test]
fn bytes_that_are_cut_or_go_on_are_refused() {
    let (old, new) = schemas();
    let bytes = old.encode(&first(Kind::Near)).unwrap();
    let longer = [&bytes[..], &[0]].concat();
    assert!(old.decode::<First>(&old, &bytes[..bytes.len() - 1]).is_err());
    assert!(old.decode::<First>(&old, &longer).is_err());
    assert!(new.decode::<Second>(&old, &longer).is_err());
}

#[test]
fn a_length_beyond_all_events_is_refused_before_memory_is_taken() {
    let (old, _) = schemas();
    let huge = [0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F];
    assert!(old.decode::<First>(&old, &huge).is_err());
}

#[test]
fn no_error_repeats_what_was_read() {
    let schema = AvroSchema::parse(r#"{"type":"record","name":"Thing","fields":[{"name":"id","type":"string"}]}"#);
    let schema = schema.unwrap();
    #[derive(Debug, Serialize, Deserialize)]
    #[serde(rename = "Thing")]
    struct Text {
        id: String,
    }
    let bytes = schema.encode(&Text { id: "Paciente de Prueba".to_owned() }).unwrap();
    let refused = schemas().0.decode::<First>(&schemas().0, &bytes).unwrap_err();
    assert!(!format!("{refused} {refused:?}").contains("Paciente"));
}

#[test]
fn a_datum_may_be_as_large_as_the_limit_and_no_larger() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Large {
        sealed: SealedBytes,
    }
    let schema = r#"{"type":"record","name":"Large","fields":[{"name":"sealed","type":"bytes"}]}"#;
    let schema = AvroSchema::parse(schema).unwrap();
    let mut large = Large { sealed: SealedBytes(vec![7; 8 * 1024 * 1024]) };
    let bytes = schema.encode(&large).unwrap();
    assert!(schema.decode::<Large>(&schema, &bytes).unwrap() == large);
    large.sealed.0.push(7);
    let bytes = schema.encode(&large).unwrap();
    assert!(schema.decode::<Large>(&schema, &bytes).is_err());
}

#[test]
fn a_schema_knows_its_name_and_which_fields_may_be_null() {
    let schema = schemas().0;
    assert_eq!(schema.name(), "Thing");
    assert_eq!(schema.fields(), [("id".to_owned(), false), ("old".to_owned(), true)]);
    assert_eq!(format!("{schema:?}"), r#"AvroSchema("Thing")"#);
    assert_eq!(AvroSchema::parse(r#""long""#).unwrap().fields(), []);
}

#[test]
fn a_value_without_a_field_is_refused_with_its_name() {
    #[derive(Serialize)]
    #[serde(rename = "Thing")]
    struct Less {
        old: Option<FirstOld>,
    }
    let refused = schemas().0.encode(&Less { old: None }).unwrap_err();
    assert_eq!(refused, AvroError::Encode { record: "Thing".to_owned(), field: "id".to_owned() });
}

#[test]
fn a_value_with_a_field_that_the_schema_lacks_is_refused_with_its_name() {
    #[derive(Serialize)]
    #[serde(rename = "Thing")]
    struct More {
        id: Uuid,
        old: Option<FirstOld>,
        more: i32,
    }
    let refused = schemas().0.encode(&More { id: Uuid::nil(), old: None, more: 1 }).unwrap_err();
    assert_eq!(refused, AvroError::Encode { record: "Thing".to_owned(), field: "more".to_owned() });
}
