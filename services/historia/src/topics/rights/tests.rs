use super::*;
use domain_kernel::BoxFuture;
use domain_kernel::message::topics::ALL;
use domain_kernel::ports::{BusError, EventBus, MessageSource, Subscription};
use infra_http::{KeySet, TokenSigner, TokenVerifier};
use infra_runtime::Resources;
use infra_testkit::memory::{MemoryMailer, MemoryVault};
use infra_testkit::wait_for;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Writes down who wants what, and never delivers anything.
#[derive(Default)]
struct ListeningBus {
    offered: Mutex<BTreeSet<Topic>>,
    subscribed: Mutex<BTreeSet<Topic>>,
}

impl EventBus for ListeningBus {
    fn offer(&self, topic: Topic, _source: Arc<dyn MessageSource>) -> BoxFuture<'_, Result<(), BusError>> {
        self.offered.lock().unwrap().insert(topic);
        Box::pin(async { Ok(()) })
    }

    fn subscribe(
        &self,
        topic: Topic,
        _consumer: &'static str,
    ) -> BoxFuture<'_, Result<Box<dyn Subscription>, BusError>> {
        self.subscribed.lock().unwrap().insert(topic);
        Box::pin(std::future::pending())
    }
}

/// Starts the service as it is and sees what it publishes and subscribes to.
async fn of(rights: &ServiceRights) -> (BTreeSet<Topic>, BTreeSet<Topic>) {
    let definitions = crate::platform::services();
    let service = definitions.iter().find(|service| service.name == rights.service).unwrap();
    let database = infra_testkit::postgres::database(&[infra_event_store::MIGRATIONS, service.migrations]).await;
    let bus = Arc::new(ListeningBus::default());
    let resources = Resources { bus: bus.clone(), ..infra_testkit::resources(service.name, &database).await };
    let supervisor = resources.supervisor.clone();
    start(service.name, resources).await;
    // The consumers subscribe in tasks of their own.
    let consumes = wait_for("the subscriptions", Duration::from_secs(20), async || {
        let subscribed = bus.subscribed.lock().unwrap().clone();
        (subscribed.len() >= rights.consumes.len()).then_some(subscribed)
    });
    let consumes = consumes.await;
    supervisor.stop().await;
    let offered = bus.offered.lock().unwrap().clone();
    (offered, consumes)
}

async fn start(name: &str, resources: Resources) {
    let verifier = TokenVerifier::internal(name, KeySet::default(), Arc::clone(&resources.clock));
    match name {
        service_users::NAME => {
            let signer = TokenSigner::users(&[7; 32]).unwrap();
            let keys = Arc::new(MemoryVault::new());
            let config = service_users::Config::new(resources.profile, verifier, signer, keys);
            service_users::start(resources, config).await.map(drop).unwrap();
        }
        service_results::NAME => {
            service_results::start(resources, service_results::Config { verifier }).await.map(drop).unwrap();
        }
        service_notifications::NAME => {
            let config = service_notifications::Config {
                verifier,
                mailer: Arc::new(MemoryMailer::new()),
                mailbox_directory: None,
                public_url: "http://localhost:8080".into(),
                delivery: service_notifications::Delivery::STANDARD,
            };
            service_notifications::start(resources, config).await.map(drop).unwrap();
        }
        service_saga_log::NAME => {
            service_saga_log::start(resources, service_saga_log::Config { verifier }).await.map(drop).unwrap();
        }
        other => panic!("nobody knows how to start {other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_service_has_exactly_the_rights_that_it_uses() {
    for rights in &RIGHTS {
        let (produces, consumes) = of(rights).await;
        assert_eq!(produces, rights.produces.iter().copied().collect(), "{} produces", rights.service);
        assert_eq!(consumes, rights.consumes.iter().copied().collect(), "{} consumes", rights.service);
    }
}

#[test]
fn every_service_has_a_role_of_its_own() {
    let services = crate::platform::services();
    let roles: BTreeSet<&str> = services.iter().map(|service| role(service.name)).chain([OPERATOR, BROKER]).collect();
    assert_eq!(roles.len(), services.len() + 2);
    assert!(!roles.contains(""));
}

#[test]
fn every_topic_has_a_producer_and_a_consumer() {
    for topic in ALL {
        assert!(RIGHTS.iter().any(|rights| rights.produces.contains(&topic)), "nobody produces {topic}");
        assert!(RIGHTS.iter().any(|rights| rights.consumes.contains(&topic)), "nobody consumes {topic}");
    }
}
