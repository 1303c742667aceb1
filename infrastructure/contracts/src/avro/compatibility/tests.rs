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

/// The reason why `reader` does not read a field of the type `writer`, both as JSON.
#[track_caller]
fn reason(reader: &str, writer: &str) -> String {
    let of = |kind: &str| record(&format!(r#"{{"name":"at","type":{kind}}}"#));
    let found = check_compatible(&of(reader), &of(writer)).unwrap_err();
    assert_eq!(found.field, "Thing.at", "{found}");
    found.reason
}

#[test]
fn what_is_in_a_list_or_a_map_is_refused_by_its_path() {
    let list = |of: &str| record(&format!(r#"{{"name":"all","type":{{"type":"array","items":"{of}"}}}}"#));
    refused(&list("int"), &list("string"), "Thing.all[]");
    assert_eq!(mutual_compatibility(&list("int"), &list("int")), Ok(()));
    let map = |of: &str| record(&format!(r#"{{"name":"all","type":{{"type":"map","values":"{of}"}}}}"#));
    refused(&map("int"), &map("string"), "Thing.all{}");
    assert_eq!(mutual_compatibility(&map("int"), &map("int")), Ok(()));
    let nullable = |of: &str| record(&format!(r#"{{"name":"all","type":["null",{{"type":"array","items":"{of}"}}]}}"#));
    refused(&nullable("int"), &nullable("string"), "Thing.all[]");
}

#[test]
fn a_fixed_of_another_name_or_size_is_refused() {
    let of = |name: &str, size: u8| {
        record(&format!(r#"{{"name":"code","type":{{"type":"fixed","name":"{name}","size":{size}}}}}"#))
    };
    assert_eq!(mutual_compatibility(&of("Code", 4), &of("Code", 4)), Ok(()));
    refused(&of("Code", 4), &of("Code", 5), "Thing.code");
    refused(&of("Code", 4), &of("Kind", 4), "Thing.code");
}

#[test]
fn a_decimal_of_another_precision_or_scale_is_refused() {
    let of = |precision: u8, scale: u8| {
        let kind = format!(r#"{{"type":"bytes","logicalType":"decimal","precision":{precision},"scale":{scale}}}"#);
        record(&format!(r#"{{"name":"price","type":{kind}}}"#))
    };
    assert_eq!(mutual_compatibility(&of(6, 2), &of(6, 2)), Ok(()));
    refused(&of(6, 2), &of(6, 3), "Thing.price");
    refused(&of(6, 2), &of(7, 2), "Thing.price");
}

#[test]
fn a_renamed_enum_is_refused() {
    let of =
        |name: &str| record(&format!(r#"{{"name":"kind","type":{{"type":"enum","name":"{name}","symbols":["a"]}}}}"#));
    refused(&of("Kind"), &of("Sort"), "Thing.kind");
}

#[test]
fn only_a_wider_number_reads_a_narrower_one() {
    let of = |kind: &str| record(&format!(r#"{{"name":"count","type":"{kind}"}}"#));
    let wider = ["int", "long", "float", "double"];
    for (narrow, writer) in wider.iter().enumerate() {
        for (wide, reader) in wider.iter().enumerate() {
            assert_eq!(check_compatible(&of(reader), &of(writer)).is_ok(), wide >= narrow, "{writer} read as {reader}");
        }
    }
    assert_eq!(mutual_compatibility(&of("string"), &of("bytes")), Ok(()));
    assert!(check_compatible(&of("string"), &of("int")).is_err());
}

#[test]
fn a_number_in_a_union_may_become_wider() {
    let of = |kind: &str| record(&format!(r#"{{"name":"count","type":["null","{kind}"]}}"#));
    assert_eq!(check_compatible(&of("long"), &of("int")), Ok(()));
    assert!(check_compatible(&of("int"), &of("long")).is_err());
}

#[test]
fn a_field_that_may_be_null_reads_one_that_may_not() {
    let required = record(r#"{"name":"note","type":"string"}"#);
    assert_eq!(check_compatible(&record(r#"{"name":"note","type":["null","string"]}"#), &required), Ok(()));
    let other = check_compatible(&record(r#"{"name":"note","type":["null","int"]}"#), &required).unwrap_err();
    assert_eq!(other.field, "Thing.note");
}

#[test]
fn a_field_is_found_by_the_name_that_it_had() {
    let before = record(r#"{"name":"address","type":"string"}"#);
    let after = record(r#"{"name":"email","aliases":["address"],"type":"string"}"#);
    assert_eq!(check_compatible(&after, &before), Ok(()));
    let other = record(r#"{"name":"email","aliases":["mail"],"type":"string"}"#);
    assert_eq!(check_compatible(&other, &before).unwrap_err().field, "Thing.email");
}

#[test]
fn a_type_that_is_described_elsewhere_is_known_by_its_name() {
    let from = r#"{"name":"from","type":{"type":"enum","name":"Kind","symbols":["near","far"]}}"#;
    let to = |kind: &str| record(&format!(r#"{from},{{"name":"to","type":"{kind}"}}"#));
    let found = check_compatible(&to("Kind"), &to("long")).unwrap_err();
    assert_eq!((found.field.as_str(), found.reason.as_str()), ("Thing.to", "long is not read as enum t.kind"));
}

#[test]
fn a_record_that_contains_itself_is_compatible_with_itself() {
    let of = |more: &str| record(&format!(r#"{{"name":"next","type":["null","Thing"],"default":null}}{more}"#));
    assert_eq!(
        mutual_compatibility(&of(""), &of(r#",{"name":"note","type":["null","string"],"default":null}"#)),
        Ok(())
    );
}

#[test]
fn a_refusal_says_what_a_person_would_call_the_types() {
    let text = r#"{"type":"string","logicalType":"uuid"}"#;
    let fixed = r#"{"type":"fixed","name":"Id","size":16,"logicalType":"uuid"}"#;
    assert_eq!(reason(r#""string""#, text), "uuid (string) is not read as string");
    assert_eq!(reason(text, fixed), "uuid (fixed) is not read as uuid (string)");
    assert_eq!(reason(r#"{"type":"bytes","logicalType":"uuid"}"#, text), "uuid (string) is not read as uuid (bytes)");
    let kind = r#"{"type":"enum","name":"Kind","symbols":["near"]}"#;
    assert_eq!(reason(kind, r#""long""#), "long is not read as enum t.kind");
}
