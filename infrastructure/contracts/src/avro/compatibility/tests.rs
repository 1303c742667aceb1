//! Which changes of a schema pass, and which field is named when one does not.
use super::*;

fn record(fields: &str) -> AvroSchema {
    AvroSchema::parse(&format!(r#"{{"type":"record","name":"Thing","namespace":"t","fields":[{fields}]}}"#)).unwrap()
}

fn event(name: &str, fields: &str) -> String {
    format!(
        r#"{{"name":"{name}","default":null,"type":["null",{{"type":"record","name":"Event_{name}","fields":[{fields}]}}]}}"#
    )
}

#[track_caller]
fn refused(one: &AvroSchema, other: &AvroSchema, field: &str) {
    let found = mutual_compatibility(one, other).unwrap_err();
    assert_eq!(found.field, field, "{found}");
    assert!(found.to_string().contains(field));
    assert_eq!(mutual_compatibility(other, one).unwrap_err().field, field);
}

#[test]
fn a_new_nullable_event_is_compatible() {
    let before = record(&event("created", ""));
    let after = record(&[event("created", ""), event("changed", r#"{"name":"role","type":"int"}"#)].join(","));
    assert_eq!(mutual_compatibility(&before, &after), Ok(()));
}

#[test]
fn a_new_nullable_field_of_an_event_is_compatible() {
    let before = record(&event("created", r#"{"name":"role","type":"int"}"#));
    let more = r#"{"name":"role","type":"int"},{"name":"note","type":["null","string"],"default":null}"#;
    assert_eq!(mutual_compatibility(&before, &record(&event("created", more))), Ok(()));
}

#[test]
fn a_new_symbol_of_an_enum_with_a_default_is_compatible() {
    let of = |symbols: &str| {
        record(&format!(
            r#"{{"name":"kind","type":{{"type":"enum","name":"Kind","symbols":[{symbols}],"default":"unknown"}}}}"#
        ))
    };
    assert_eq!(mutual_compatibility(&of(r#""unknown","near""#), &of(r#""unknown","near","far""#)), Ok(()));
}

#[test]
fn a_new_required_field_is_refused_by_its_path() {
    let before = record(&event("created", ""));
    let after = record(&event("created", r#"{"name":"role","type":"int"}"#));
    refused(&before, &after, "Thing.created.role");
}

#[test]
fn another_type_is_refused_by_its_path() {
    let of = |role: &str| record(&event("created", &format!(r#"{{"name":"role","type":"{role}"}}"#)));
    refused(&of("int"), &of("string"), "Thing.created.role");
    refused(&of("int"), &of("long"), "Thing.created.role");
}

#[test]
fn another_meaning_of_the_same_bytes_is_refused() {
    let of = |at: &str| record(&format!(r#"{{"name":"at","type":{at}}}"#));
    let micros = of(r#"{"type":"long","logicalType":"timestamp-micros"}"#);
    refused(&micros, &of(r#"{"type":"long","logicalType":"timestamp-millis"}"#), "Thing.at");
    refused(&micros, &of(r#""long""#), "Thing.at");
    let id = of(r#"{"type":"string","logicalType":"uuid"}"#);
    refused(&id, &of(r#""string""#), "Thing.at");
}

#[test]
fn a_symbol_that_goes_is_refused_where_there_is_no_default() {
    let of = |symbols: &str| {
        record(&format!(r#"{{"name":"kind","type":{{"type":"enum","name":"Kind","symbols":[{symbols}]}}}}"#))
    };
    refused(&of(r#""near","far""#), &of(r#""near""#), "Thing.kind");
}

#[test]
fn a_field_that_becomes_required_is_refused() {
    let nullable = record(r#"{"name":"note","type":["null","string"],"default":null}"#);
    refused(&nullable, &record(r#"{"name":"note","type":"string"}"#), "Thing.note");
}

#[test]
fn a_renamed_event_is_refused() {
    let renamed = event("created", "").replace("Event_created", "Event_made");
    refused(&record(&event("created", "")), &record(&renamed), "Thing.created");
}

#[test]
fn one_direction_is_judged_alone() {
    let before = record(r#"{"name":"count","type":"int"}"#);
    let after = record(r#"{"name":"count","type":"long"}"#);
    assert_eq!(check_compatible(&after, &before), Ok(()));
    assert!(check_compatible(&before, &after).is_err());
}
