//! A broker that demands tokens and speaks TLS alone, as in production.
use super::{INCOMPATIBLE, SCHEMA};
use crate::scratch::directory;
use infra_runtime::outgoing::Trust;
use infra_runtime::pulsar::admin::{Admin, AdminError, Right};
use infra_runtime::pulsar::{Authentication, BrokerTls, Token, TokenKey};
use infra_testkit::pulsar::own_broker;
use infra_testkit::tls::Authority;
use std::fs;
use std::os::unix::fs::MetadataExt;

const KEY: &[u8] = b"a key for tests alone: 32 bytes or more";
const OTHER_KEY: &[u8] = b"another key, which the broker does not know";

#[tokio::test]
async fn a_broker_with_tokens_lets_in_by_right_and_tells_nobody_its_secrets() {
    let keys = directory();
    let key = keys.path().join("pulsar.key");
    fs::write(&key, KEY).unwrap();
    let token = Token::sign(KEY, "historia-admin").unwrap();
    let authentication = Authentication {
        key: TokenKey::Secret(key),
        superusers: vec!["historia-admin".to_owned()],
        token: token.clone(),
    };
    let authority = Authority::new();
    let (certificate, certificate_key) = authority.identity(&["127.0.0.1", "localhost"]).write(keys.path());
    let authority_file = keys.path().join("authority.pem");
    fs::write(&authority_file, authority.pem()).unwrap();
    let own = own_broker(|options| {
        options.authentication = Some(authentication);
        options.tls = Some(BrokerTls { certificate, key: certificate_key, authority: authority_file });
    });
    let Some(own) = own.await else { return };
    let broker = own.broker();
    assert!(broker.service_url().starts_with("pulsar+ssl://") && broker.admin_url().starts_with("https://"));
    let superuser = broker.admin().unwrap();
    superuser.health().await.unwrap();
    let topic = own.namespace().await.namespace.topic("event-user").unwrap();
    superuser.create_topic(&topic, 0).await.unwrap();
    superuser.register_schema(&topic, SCHEMA).await.unwrap();
    superuser.grant(&topic, "historia-users", &[Right::Produce]).await.unwrap();

    nobody_listens_in(&broker.admin_url(), &token).await;
    let trust = Trust::with_authority(authority.pem().as_bytes()).unwrap();
    let admin = |token| Admin::trusting(trust.clone(), &broker.admin_url(), token).unwrap();
    let forged = admin(Some(Token::sign(OTHER_KEY, "historia-admin").unwrap()));
    for stranger in [admin(None), forged] {
        let error = stranger.tenants().await.unwrap_err();
        assert!(matches!(error, AdminError::Denied { status: 401, .. }), "{error:?}");
    }
    let role = |name: &str| admin(Some(Token::sign(KEY, name).unwrap()));
    let (service, other) = (role("historia-users"), role("historia-results"));
    let policies = infra_testkit::pulsar::policies();
    for refused in [
        service.create_tenant("other", &[]).await.map(|_| ()),
        service.set_policies(topic.namespace(), &policies).await,
        service.grant(&topic, "historia-users", &[Right::Consume]).await,
        other.register_schema(&topic, SCHEMA).await.map(|_| ()),
        other.schemas(&topic).await.map(|_| ()),
    ] {
        assert!(matches!(refused, Err(AdminError::Denied { .. })), "{refused:?}");
    }
    // Who may produce reads the schemas, and cannot change them into what the others do not understand.
    assert_eq!(service.schemas(&topic).await.unwrap()[0].data, SCHEMA);
    let refused = service.register_schema(&topic, INCOMPATIBLE).await;
    assert!(matches!(refused, Err(AdminError::IncompatibleSchema { .. })), "{refused:?}");

    let shown = format!("{broker:?} {superuser:?} {token:?}");
    assert!(!shown.contains(token.reveal()), "{shown}");
    let place = broker.directory();
    for log in ["logs/pulsar.log", "logs/java.log"] {
        let log = fs::read_to_string(place.join(log)).unwrap();
        assert!(!log.contains(token.reveal()) && !log.contains("a key for tests alone"), "{log}");
    }
    assert_eq!(fs::metadata(place.join("config")).unwrap().mode() & 0o777, 0o700);
    for entry in fs::read_dir(place.join("config")).unwrap() {
        assert_eq!(entry.unwrap().metadata().unwrap().mode() & 0o777, 0o400);
    }
}

/// Whose certificate we do not believe is shown no token, and neither is anybody in clear.
async fn nobody_listens_in(url: &str, token: &Token) {
    let other = Trust::with_authority(Authority::new().pem().as_bytes()).unwrap();
    for trust in [Trust::public().unwrap(), other] {
        let refused = Admin::trusting(trust, url, Some(token.clone())).unwrap().tenants().await.unwrap_err();
        assert!(
            matches!(&refused, AdminError::Unreachable { reason, .. } if reason.contains("certificate")),
            "{refused:?}"
        );
    }
    let clear = Admin::new(&url.replace("https://", "http://"), None).unwrap().tenants().await;
    assert!(matches!(clear, Err(AdminError::Unreachable { .. } | AdminError::Refused { .. })), "{clear:?}");
}
