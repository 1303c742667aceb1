//! The admin interface, on the broker that all tests share.
use super::{COMPATIBLE, INCOMPATIBLE, SCHEMA};
use crate::scratch::LIMIT;
use infra_runtime::pulsar::admin::{Admin, AdminError, Made, Policies, Retention, Right};
use infra_testkit::pulsar::{TENANT, namespace, policies};
use infra_testkit::wait_for;
use std::collections::BTreeSet;

#[tokio::test]
async fn what_is_there_is_not_made_again() {
    let Some(test) = namespace().await else { return };
    let (admin, namespace) = (&test.admin, &test.namespace);
    assert_eq!(admin.create_tenant(TENANT, &[]).await.unwrap(), Made::WasThere);
    assert_eq!(admin.create_namespace(namespace).await.unwrap(), Made::WasThere);
    assert!(admin.tenants().await.unwrap().iter().any(|tenant| tenant == TENANT));
    assert!(admin.namespaces(TENANT).await.unwrap().contains(&namespace.to_string()));
    let (whole, parted) = (namespace.topic("saga-step").unwrap(), namespace.topic("event-user").unwrap());
    for made in [Made::Created, Made::WasThere] {
        assert_eq!(admin.create_topic(&whole, 0).await.unwrap(), made);
        assert_eq!(admin.create_topic(&parted, 3).await.unwrap(), made);
    }
    assert_eq!(admin.partitions(&whole).await.unwrap(), 0);
    assert_eq!(admin.partitions(&parted).await.unwrap(), 3);
    assert_eq!(admin.partitioned_topics(namespace).await.unwrap(), [parted.to_string()]);
    let mut topics = admin.topics(namespace).await.unwrap();
    topics.sort();
    let mut expected: Vec<_> = (0..3).map(|number| parted.partition(number).to_string()).collect();
    expected.push(whole.to_string());
    assert_eq!(topics, expected);
    for topic in [whole, parted] {
        let stats = admin.stats(&topic).await.unwrap();
        assert_eq!((stats.msg_in_counter, stats.subscriptions.len()), (0, 0));
    }
}

#[tokio::test]
async fn policies_are_read_as_they_were_set() {
    let Some(test) = namespace().await else { return };
    assert_eq!(test.admin.policies(&test.namespace).await.unwrap(), policies());
    let retention = Some(Retention { minutes: -1, mebibytes: 100 });
    test.admin.set_policies(&test.namespace, &Policies { retention, ..Policies::default() }).await.unwrap();
    // What was not given stays.
    assert_eq!(test.admin.policies(&test.namespace).await.unwrap(), Policies { retention, ..policies() });
}

#[tokio::test]
async fn an_incompatible_schema_is_refused_with_the_fields_name() {
    let Some(test) = namespace().await else { return };
    let (admin, topic) = (&test.admin, test.namespace.topic("event-result").unwrap());
    admin.create_topic(&topic, 2).await.unwrap();
    assert_eq!(admin.schemas(&topic).await.unwrap(), []);
    admin.check_schema(&topic, SCHEMA).await.unwrap();
    assert_eq!(admin.schemas(&topic).await.unwrap(), [], "asking registers nothing");
    // Registering the same again is no new version.
    for _ in 0..2 {
        assert_eq!(admin.register_schema(&topic, SCHEMA).await.unwrap(), 0);
    }
    let asked = admin.check_schema(&topic, INCOMPATIBLE).await.unwrap_err();
    let registered = admin.register_schema(&topic, INCOMPATIBLE).await.unwrap_err();
    for error in [asked, registered] {
        let AdminError::IncompatibleSchema { topic: named, reason } = &error else { panic!("{error:?}") };
        assert_eq!(*named, topic.to_string());
        assert!(reason.contains("\"required\"") && !reason.contains('<') && !reason.contains('\n'), "{reason}");
    }
    admin.check_schema(&topic, COMPATIBLE).await.unwrap();
    assert_eq!(admin.register_schema(&topic, COMPATIBLE).await.unwrap(), 1);
    let all = admin.schemas(&topic).await.unwrap();
    assert_eq!(all.iter().map(|schema| schema.version).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(admin.schema(&topic, 0).await.unwrap(), all[0]);
    assert!(matches!(admin.schema(&topic, 7).await, Err(AdminError::Missing { .. })));
}

#[tokio::test]
async fn a_role_has_exactly_the_rights_that_it_was_granted_last() {
    let Some(test) = namespace().await else { return };
    let (admin, topic) = (&test.admin, test.namespace.topic("event-user").unwrap());
    admin.create_topic(&topic, 0).await.unwrap();
    for rights in [&[Right::Produce, Right::Consume][..], &[Right::Produce]] {
        admin.grant(&topic, "historia-users", rights).await.unwrap();
        admin.grant_in_namespace(&test.namespace, "historia-saga-log", rights).await.unwrap();
        let names: BTreeSet<String> = rights.iter().map(|right| right.name().to_owned()).collect();
        assert_eq!(admin.topic_rights(&topic).await.unwrap()["historia-users"], names);
        assert_eq!(admin.namespace_rights(&test.namespace).await.unwrap()["historia-saga-log"], names);
    }
}

#[tokio::test]
async fn an_unloaded_topic_comes_back() {
    let Some(test) = namespace().await else { return };
    let topic = test.namespace.topic("event-user").unwrap();
    test.admin.create_topic(&topic, 0).await.unwrap();
    test.admin.unload_topic(&topic).await.unwrap();
    wait_for("the topic", LIMIT, async || test.admin.stats(&topic).await.ok()).await;
}

#[tokio::test]
async fn what_is_not_there_is_told_apart_from_a_broker_that_is_not_there() {
    let Some(test) = namespace().await else { return };
    let topic = test.namespace.topic("nothing").unwrap();
    let missing = test.admin.stats(&topic).await.unwrap_err();
    assert!(matches!(missing, AdminError::Missing { .. }) && !missing.is_transient(), "{missing:?}");
    assert!(matches!(test.admin.namespaces("nobody").await, Err(AdminError::Missing { .. })));
    test.admin.health().await.unwrap();

    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let nobody = Admin::new(&format!("http://127.0.0.1:{port}"), None).unwrap();
    let error = nobody.health().await.unwrap_err();
    assert!(matches!(error, AdminError::Unreachable { .. }) && error.is_transient(), "{error:?}");
}
