//! The platform as `docker-compose.production.yml` runs it, as plain processes: TLS to the gateway, PostgreSQL, Pulsar and
//! the mail server, a token and rights of its own for every service, secrets from files.
use crate::client::Client;
use crate::compose_file::{Compose, PRODUCTION};
use crate::forged;
use crate::mail_catcher::MailCatcher;
use crate::platform::HISTORIA;
use crate::stage::{SERVICES, Stage, ports};
use hyper::{Method, StatusCode};
use infra_runtime::outgoing::Trust;
use infra_runtime::postgres::Cluster;
use infra_runtime::pulsar::{Authentication, BrokerTls, Token, TokenKey};
use infra_testkit::pulsar::{OwnBroker, is_skipped, own_broker};
use infra_testkit::tls::Authority;
use infra_testkit::wait_for;
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions};
use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long anything may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

const ADMINISTRATORS_OWN: &str = "una clave que solo conozco yo";
const LABORATORYS_OWN: &str = "otra clave que solo conozco yo";

/// What was prepared as `deploy/README.md` says, with the servers running.
pub(crate) struct Production {
    pub(crate) stage: Stage,
    pub(crate) authority: Authority,
}

#[tokio::test(flavor = "multi_thread")]
async fn production_goes_over_tls_with_rights_and_a_forged_message_has_no_effect() {
    let Some(mut production) = Production::prepare().await else { return };
    the_broker_is_told_what_the_file_says(&production.stage.broker);
    let stage = &mut production.stage;
    for once in ["secrets", "migrations", "topics"] {
        stage.run_once(once);
    }
    for (name, _) in SERVICES {
        stage.start(name);
    }
    for (name, _) in SERVICES {
        stage.ready(name).await;
    }
    nobody_listens_in(&production).await;

    let administrator = production.administrator_with_a_password_of_their_own().await;
    let events = production.walk_through(&administrator).await;
    Box::pin(forged::has_no_effect(&production, &administrator, &events)).await;
    production.stage.stop().await;
}

impl Production {
    /// `None` when tests that need Pulsar are left out.
    async fn prepare() -> Option<Self> {
        if is_skipped() {
            return None;
        }
        let directory = tempfile::Builder::new().prefix("historia-test-").tempdir_in("/tmp").unwrap();
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let (secrets, tls) = (directory.path().join("secrets"), directory.path().join("tls"));
        let words = ["secrets", "create", "--directory"];
        let made = Command::new(HISTORIA).args(words).arg(&secrets).stdout(Stdio::null()).status();
        assert!(made.unwrap().success());

        let authority = Authority::new();
        for (folder, names) in
            [("gateway", &["localhost"][..]), ("postgres", &["127.0.0.1"]), ("pulsar", &["127.0.0.1", "localhost"])]
        {
            let _ = authority.identity(names).write(&tls.join(folder));
        }
        std::fs::write(tls.join("authority.pem"), authority.pem()).unwrap();
        let mail = MailCatcher::start_tls(&authority.identity(&["127.0.0.1"]));
        let smtp_url = secrets.join("smtp-url");
        std::fs::write(&smtp_url, format!("smtps://{}\n", mail.address)).unwrap();
        std::fs::set_permissions(&smtp_url, std::fs::Permissions::from_mode(0o600)).unwrap();

        let ports = ports();
        let compose = Compose::read_with(
            PRODUCTION,
            &[
                ("HISTORIA_SECRETS_ROOT", secrets.to_str().unwrap()),
                ("HISTORIA_TLS_ROOT", tls.to_str().unwrap()),
                ("HISTORIA_PUBLIC_URL", &format!("https://localhost:{}", ports["bff"])),
                ("HISTORIA_ALLOWED_HOSTS", "localhost"),
                ("HISTORIA_MAIL_FROM", "Historia <no-reply@historia.example>"),
            ],
        );
        let broker = broker(&compose, &secrets, &tls).await?;
        let cluster = Cluster::start(&directory.path().join("postgres"), None, false).await.unwrap();
        speak_tls(&cluster, &compose, &tls).await;
        let stage = Stage::of(compose, mail, broker, cluster, directory, "https://localhost", ports);
        stage.give_the_owner_its_password().await;
        Some(Self { stage, authority })
    }

    pub(crate) fn trust(&self) -> Trust {
        Trust::with_authority(self.authority.pem().as_bytes()).unwrap()
    }

    fn client(&self) -> Client {
        Client::trusting(self.trust(), &self.stage.url())
    }

    async fn administrator_with_a_password_of_their_own(&self) -> Client {
        let given = text(&self.stage.secrets().join("users/administrator-password"));
        let client = self.client();
        let administrator = client.log_in("admin", &given).await;
        let refused = administrator.get("/users").await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert_eq!(refused.body["code"], "password_change_required");
        let change = json!({"current_password": given, "new_password": ADMINISTRATORS_OWN});
        assert_eq!(administrator.post("/me/password", change).await.status, StatusCode::NO_CONTENT);
        client.log_in("admin", ADMINISTRATORS_OWN).await
    }

    /// An account, a log-in, a result, its mail, the saga log.
    async fn walk_through(&self, administrator: &Client) -> Vec<Value> {
        let account = json!({"username": "laboratorio", "password": LABORATORYS_OWN, "role": 1,
            "email": "laboratorio@historia.example"});
        let stranger = self.client().post("/users", account.clone()).await;
        assert_eq!(stranger.status, StatusCode::UNAUTHORIZED, "{}", stranger.body);
        let made = administrator.post("/users", account).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        let events = self.file_a_result(administrator).await;
        let of = |kind: &str| events.iter().filter(|event| event["event_type"] == kind).count();
        // The administrator has no address in production.
        assert_eq!((of("UserCreated"), of("NotificationSuppressed"), of("NotificationSent")), (2, 1, 2));
        assert_eq!(self.stage.mail.count(), 2, "the laboratory's welcome and the patient's notice");
        events
    }

    /// Files a final result as the laboratory; gives the saga log when everything was told.
    pub(crate) async fn file_a_result(&self, administrator: &Client) -> Vec<Value> {
        let laboratory = self.client().log_in("laboratorio", LABORATORYS_OWN).await;
        let result = json!({"patient": "Paciente de Prueba", "result": "Resultado Positivo", "status": "final",
            "patient_email": "paciente@historia.example"});
        let filed = laboratory.post("/results", result).await;
        assert_eq!(filed.status, StatusCode::CREATED, "{}", filed.body);
        wait_for("every event of the saga log to be PROCESSED", LIMIT, async || {
            let events = administrator.all_if_available("/saga/logs").await.ok()?;
            let settled = events.iter().all(|event| event["state"] == "PROCESSED");
            let mut created = events.iter().filter(|event| event["event_type"] == "ResultCreated");
            let told = created.find(|event| event["aggregate"] == filed.body["id"]).is_some_and(|created| {
                events
                    .iter()
                    .any(|event| event["event_type"] == "NotificationSent" && event["causation_id"] == created["id"])
            });
            (settled && told).then_some(events)
        })
        .await
    }
}

/// A broker as the compose file's.
async fn broker(compose: &Compose, secrets: &Path, tls: &Path) -> Option<OwnBroker> {
    let superusers = &compose.containers["pulsar"].environment["PULSAR_PREFIX_superUserRoles"];
    own_broker(|options| {
        options.authentication = Some(Authentication {
            key: TokenKey::Secret(secrets.join("broker/broker-token.key")),
            superusers: superusers.split(',').map(ToOwned::to_owned).collect(),
            token: Token::new(text(&secrets.join("broker/broker-token"))),
        });
        options.tls = Some(BrokerTls {
            certificate: tls.join("pulsar/certificate.pem"),
            key: tls.join("pulsar/key.pem"),
            authority: tls.join("authority.pem"),
        });
    })
    .await
}

/// The launcher's settings are the compose file's: the same names and values, other files and addresses.
fn the_broker_is_told_what_the_file_says(broker: &OwnBroker) {
    let told = text(&broker.broker().directory().join("config/standalone.conf"));
    let told = told.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
    let told: BTreeMap<&str, &str> = told.collect();
    let mut compared = 0;
    for (name, value) in &Compose::read(PRODUCTION).containers["pulsar"].environment {
        let Some(name) = name.strip_prefix("PULSAR_PREFIX_") else { continue };
        assert_eq!(told.get(name).map(|told| shape(told)), Some(shape(value)), "{name}");
        compared += 1;
    }
    assert!(compared > 20, "{compared}");
}

fn shape(value: &str) -> &str {
    match value.split_once("://") {
        Some((scheme, _)) => scheme,
        None if value.starts_with('/') => "a file",
        None if value.parse::<u16>().is_ok() => "a port",
        None => value,
    }
}

/// PostgreSQL with the compose file's settings; its key is its user's alone.
async fn speak_tls(cluster: &Cluster, compose: &Compose, tls: &Path) {
    let owner = std::fs::metadata(cluster.directory().join("data")).unwrap();
    let (folder, key) = (tls.join("postgres"), tls.join("postgres/key.pem"));
    std::os::unix::fs::chown(&key, Some(owner.uid()), Some(owner.gid())).unwrap();
    let mut connection = cluster.options().connect().await.unwrap();
    let [program, settings @ ..] = compose.containers["postgres"].command.as_slice() else { panic!("no command") };
    assert_eq!(program, "postgres");
    for setting in settings.chunks(2) {
        let [flag, setting] = setting else { panic!("{setting:?} is no setting") };
        let (name, value) = setting.split_once('=').unwrap();
        assert_eq!(flag, "-c");
        let value = value.replace("/run/historia/tls", folder.to_str().unwrap());
        let statement = AssertSqlSafe(format!("alter system set {name} = '{value}'"));
        sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
    }
    sqlx::raw_sql("select pg_reload_conf()").execute(&mut connection).await.unwrap();
    let over_tls = cluster.network_options().ssl_mode(PgSslMode::VerifyFull).ssl_root_cert(tls.join("authority.pem"));
    wait_for("PostgreSQL to speak TLS", LIMIT, async || over_tls.clone().connect().await.ok()).await;
}

/// Every connection of a service is encrypted, and whom the authority does not vouch for is believed by nobody.
async fn nobody_listens_in(production: &Production) {
    let stage = &production.stage;
    let owner = text(&stage.secrets().join("postgres/database-owner"));
    let admin = PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(stage.database_port())
        .username("historia")
        .password(&owner)
        .database("postgres")
        .ssl_mode(PgSslMode::VerifyFull);
    let believing = admin.clone().ssl_root_cert(stage.directory().join("tls/authority.pem"));
    let mut connection = believing.connect().await.unwrap();
    let roles = "select usename::text, bool_and(ssl) from pg_stat_ssl join pg_stat_activity using (pid) \
        where usename like 'historia\\_%' group by 1 order by 1";
    let roles: Vec<(String, bool)> = sqlx::query_as(roles).fetch_all(&mut connection).await.unwrap();
    let encrypted = ["keys", "notifications", "results", "saga_log", "users"];
    assert_eq!(roles, encrypted.map(|service| (format!("historia_{service}"), true)));
    let other = stage.directory().join("other.pem");
    std::fs::write(&other, Authority::new().pem()).unwrap();
    let refused = admin.ssl_root_cert(other).connect().await.unwrap_err();
    assert!(matches!(refused, sqlx::Error::Tls(_) | sqlx::Error::Io(_)), "{refused:?}");

    let url = stage.url();
    let health = |client: Client| async move { client.send(Method::GET, "/healthz", None).await };
    assert_eq!(health(production.client()).await.unwrap().status, StatusCode::OK);
    assert!(health(Client::new(&url)).await.is_err(), "a certificate that no public authority signed");
    assert!(health(Client::new(&url.replace("https", "http"))).await.is_err(), "in clear");
    // The certificate is for another name, and so is the gateway.
    let misdirected = Client::trusting(production.trust(), &url.replace("localhost", "127.0.0.1"));
    assert!(health(misdirected).await.is_err());
}

pub(crate) fn text(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display())).trim().to_owned()
}
