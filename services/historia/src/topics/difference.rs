//! What the broker has otherwise than it should, in the order in which it is mended.
use super::Wanted;
use super::changes::Change;
use super::rights::RIGHTS;
use domain_kernel::Topic;
use infra_contracts::avro::{AvroSchema, mutual_compatibility};
use infra_contracts::topic::{CONTRACTS, is_same_schema};
use infra_runtime::pulsar::admin::{Admin, AdminError, Policies, RegisteredSchema, Right};
use std::collections::BTreeSet;

/// The difference. Asks the registry of each missing schema whether it would take it.
///
/// # Errors
/// [`AdminError`]; [`AdminError::IncompatibleSchema`] names the field that does not fit.
pub(super) async fn of(admin: &Admin, wanted: &Wanted) -> Result<Vec<Change>, AdminError> {
    let namespace = &wanted.namespace;
    let mut changes = Vec::new();
    let has_tenant = admin.tenants().await?.iter().any(|tenant| tenant == namespace.tenant());
    if !has_tenant {
        changes.push(Change::Tenant(namespace.tenant().to_owned()));
    }
    let name = namespace.to_string();
    let has_namespace = has_tenant && admin.namespaces(namespace.tenant()).await?.contains(&name);
    let now = if has_namespace {
        admin.policies(namespace).await?
    } else {
        changes.push(Change::Namespace(name));
        Policies::default()
    };
    changes.extend(policies(&now, &Wanted::policies()));

    let present = if has_namespace { admin.topics(namespace).await? } else { Vec::new() };
    let partitioned = if has_namespace { admin.partitioned_topics(namespace).await? } else { Vec::new() };
    for contract in CONTRACTS {
        let topic = namespace.topic(contract.topic)?;
        let is_there = present.iter().chain(&partitioned).any(|name| *name == topic.to_string());
        if !is_there {
            changes.push(Change::Topic { topic: topic.clone(), partitions: wanted.partitions });
        }
        let registered = if is_there { admin.schemas(&topic).await? } else { Vec::new() };
        for (index, schema) in contract.versions.iter().enumerate() {
            if is_registered(&registered, schema) {
                continue;
            }
            if !registered.is_empty() {
                admin.check_schema(&topic, schema).await.map_err(|refusal| explained(refusal, schema, &registered))?;
            }
            changes.push(Change::Schema { topic: topic.clone(), version: index + 1, schema });
        }
    }
    if wanted.rights {
        changes.extend(rights(admin, wanted, has_namespace, &[present, partitioned].concat()).await?);
    }
    Ok(changes)
}

/// The rules that differ, each as a change of its own.
fn policies(now: &Policies, wanted: &Policies) -> Vec<Change> {
    fn change<T: PartialEq + std::fmt::Debug>(
        name: &'static str,
        (now, wanted): (&Option<T>, &Option<T>),
        policies: Policies,
    ) -> Option<Change> {
        let shown =
            |value: &Option<T>| value.as_ref().map_or_else(|| "not set".to_owned(), |value| format!("{value:?}"));
        (now != wanted).then(|| Change::Policy { name, from: shown(now), to: shown(wanted), policies })
    }
    let only = Policies::default;
    [
        change(
            "schema compatibility",
            (&now.schema_compatibility, &wanted.schema_compatibility),
            Policies { schema_compatibility: wanted.schema_compatibility.clone(), ..only() },
        ),
        change(
            "schema validation enforced",
            (&now.schema_validation_enforced, &wanted.schema_validation_enforced),
            Policies { schema_validation_enforced: wanted.schema_validation_enforced, ..only() },
        ),
        change(
            "schema automatic update",
            (&now.schema_automatic_update, &wanted.schema_automatic_update),
            Policies { schema_automatic_update: wanted.schema_automatic_update, ..only() },
        ),
        change("retention", (&now.retention, &wanted.retention), Policies { retention: wanted.retention, ..only() }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The registry's refusal in our own words: its own are two whole schemas, cut somewhere before what does not fit.
fn explained(refusal: AdminError, schema: &str, registered: &[RegisteredSchema]) -> AdminError {
    let AdminError::IncompatibleSchema { topic, reason } = refusal else { return refusal };
    let found = AvroSchema::parse(schema).ok().and_then(|ours| {
        registered.iter().find_map(|registered| {
            let theirs = AvroSchema::parse(&registered.data).ok()?;
            let found = mutual_compatibility(&ours, &theirs).err()?;
            Some(format!("it does not fit with registered version {}: {found}", registered.version))
        })
    });
    AdminError::IncompatibleSchema { topic, reason: found.unwrap_or(reason) }
}

/// Whether the registry has the schema, however it writes it.
pub(super) fn is_registered(registered: &[RegisteredSchema], schema: &str) -> bool {
    registered.iter().any(|registered| is_same_schema(&registered.data, schema))
}

/// What the services' roles may do and should not, or should and may not. Roles that are not ours are left alone.
async fn rights(
    admin: &Admin,
    wanted: &Wanted,
    has_namespace: bool,
    present: &[String],
) -> Result<Vec<Change>, AdminError> {
    let mut changes = Vec::new();
    if has_namespace {
        let everywhere = admin.namespace_rights(&wanted.namespace).await?;
        for service in &RIGHTS {
            // Rights are given by topic; one for the whole namespace would be a right to every topic.
            if let Some(from) = everywhere.get(service.role).filter(|rights| !rights.is_empty()) {
                let from = from.clone();
                changes.push(Change::Rights { topic: None, role: service.role, from, to: Vec::new() });
            }
        }
    }
    for contract in CONTRACTS {
        let topic = wanted.namespace.topic(contract.topic)?;
        let is_there = present.contains(&topic.to_string());
        let now = if is_there { admin.topic_rights(&topic).await? } else { Default::default() };
        for service in &RIGHTS {
            let to = of_service(service.produces, service.consumes, contract.topic);
            let from = now.get(service.role).cloned().unwrap_or_default();
            if from != to.iter().map(|right| right.name().to_owned()).collect::<BTreeSet<_>>() {
                changes.push(Change::Rights { topic: Some(topic.clone()), role: service.role, from, to });
            }
        }
    }
    Ok(changes)
}

fn of_service(produces: &[Topic], consumes: &[Topic], topic: Topic) -> Vec<Right> {
    let mut rights = Vec::new();
    if produces.contains(&topic) {
        rights.push(Right::Produce);
    }
    if consumes.contains(&topic) {
        rights.push(Right::Consume);
    }
    rights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_recognised_however_it_is_written() {
        let schema = r#"{"type":"record","name":"A","fields":[]}"#;
        let spaced = "{ \"name\": \"A\",\n \"type\": \"record\", \"fields\": [] }".to_owned();
        let registered = RegisteredSchema { version: 0, kind: "AVRO".into(), data: spaced };
        assert!(is_registered(std::slice::from_ref(&registered), schema));
        assert!(!is_registered(&[registered], r#"{"type":"record","name":"B","fields":[]}"#));
    }

    #[test]
    fn a_refused_schema_is_explained_by_the_field_that_does_not_fit() {
        let ours = CONTRACTS[0].versions[0];
        let theirs = ours.replace(r#""name": "version", "type": "long""#, r#""name": "version", "type": "string""#);
        assert_ne!(ours, theirs);
        let registered = [
            RegisteredSchema { version: 0, kind: "AVRO".into(), data: ours.to_owned() },
            RegisteredSchema { version: 1, kind: "AVRO".into(), data: theirs },
        ];
        let refusal =
            |reason: &str| AdminError::IncompatibleSchema { topic: "event-user".into(), reason: reason.into() };
        let told = explained(refusal("{\"type\":\"rec"), ours, &registered).to_string();
        for word in ["event-user", "version 1", "UserEvent.version", "long", "string"] {
            assert!(told.contains(word), "{told}");
        }
        assert_eq!(explained(refusal("theirs"), ours, &registered[..1]), refusal("theirs"), "nothing better is known");
    }

    #[test]
    fn only_rules_that_differ_are_changed() {
        let wanted = Wanted::policies();
        assert_eq!(policies(&wanted, &wanted), Vec::new());
        let now = Policies { schema_automatic_update: Some(true), retention: None, ..wanted.clone() };
        let changes = policies(&now, &wanted);
        let told: Vec<_> = changes.iter().map(|change| serde_json::to_value(change.told()).unwrap()).collect();
        let of = |index: usize| ["name", "from", "to"].map(|field| told[index][field].as_str().unwrap_or_default());
        assert_eq!(of(0), ["schema automatic update", "true", "false"]);
        assert_eq!(of(1)[..2], ["retention", "not set"]);
        assert_eq!(told.len(), 2);
    }
}
