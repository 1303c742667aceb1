//! A Pulsar for the tests: one broker for all test executables of a run, a namespace of its own for every test.
//!
//! ```text
//! TARGET/debug/testkit/pulsar/   (or in the system's temporary directory, where the broker's user cannot reach that)
//!   lock, users, guardian        see `shared`
//!   broker/                      the broker; thrown away when it stops
//! ```
//! The broker does not wait for the disk: a crash test starts its own ([`own_broker`]). Where there is no Java or no
//! Maven, `HISTORIA_TEST_PULSAR=skip` leaves out the tests that need Pulsar; each of them says so in a line.
mod shared_broker;

use infra_runtime::pulsar::admin::{Admin, Namespace, Policies, Retention};
use infra_runtime::pulsar::{PulsarError, Standalone, StandaloneOptions};
use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::TempDir;
use uuid::Uuid;

/// The tenant of all namespaces of tests.
pub const TENANT: &str = "historia-test";

/// Leaves out the tests that need Pulsar, when it is set to `skip`.
const SKIP: &str = "HISTORIA_TEST_PULSAR";

/// Seven days, as in production.
const RETENTION: Retention = Retention { minutes: 7 * 24 * 60, mebibytes: -1 };

/// A namespace that nobody else uses, with the policies of production.
#[derive(Clone, Debug)]
pub struct TestNamespace {
    /// Its name, such as `historia-test/018f…`.
    pub namespace: Namespace,
    /// Where clients connect.
    pub service_url: String,
    /// The admin interface of its broker, as a superuser.
    pub admin: Admin,
}

impl TestNamespace {
    /// A fresh namespace of the broker at `service_url`, whose admin interface is `admin`.
    ///
    /// # Panics
    /// When the broker does not make it.
    pub async fn on(service_url: &str, admin: Admin) -> Self {
        let name = Uuid::now_v7().simple().to_string();
        let namespace = Namespace::new(TENANT, &name).expect("such names are allowed");
        let made = async {
            admin.create_tenant(TENANT, &[]).await?;
            admin.create_namespace(&namespace).await?;
            admin.set_policies(&namespace, &policies()).await
        };
        made.await.expect("the broker makes a namespace");
        Self { namespace, service_url: service_url.to_owned(), admin }
    }
}

/// A broker that no other test uses: to be killed. It is gone when the value is.
#[derive(Debug)]
pub struct OwnBroker {
    broker: Standalone,
    directory: TempDir,
}

impl OwnBroker {
    /// The broker itself.
    #[must_use]
    pub fn broker(&self) -> &Standalone {
        &self.broker
    }

    /// Where it lives.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// A fresh namespace on it.
    ///
    /// # Panics
    /// When the broker does not make it.
    pub async fn namespace(&self) -> TestNamespace {
        let admin = self.broker.admin().expect("a broker's own address is one");
        TestNamespace::on(&self.broker.service_url(), admin).await
    }
}

impl Drop for OwnBroker {
    fn drop(&mut self) {
        // Told at once; nothing of it is kept, so there is nothing to wait for.
        drop(self.broker.kill());
    }
}

/// A fresh namespace on the broker that all tests share; `None` when tests that need Pulsar are left out.
///
/// # Panics
/// When there is no Pulsar; the message says what to do.
pub async fn namespace() -> Option<TestNamespace> {
    if is_skipped() {
        return None;
    }
    let broker = shared_broker::broker().await;
    // A client per test: its connections belong to the test's runtime.
    let admin = Admin::new(&broker.admin_url, None).expect("a broker's own address is one");
    Some(TestNamespace::on(&broker.service_url, admin).await)
}

/// A broker for one test; `None` when tests that need Pulsar are left out. `adjust` changes how it is started.
///
/// # Panics
/// When it does not start; the message says what to do.
pub async fn own_broker(adjust: impl FnOnce(&mut StandaloneOptions)) -> Option<OwnBroker> {
    if is_skipped() {
        return None;
    }
    let directory = tempfile::Builder::new().prefix("historia-").permissions(Permissions::from_mode(0o755)).tempdir();
    let directory = directory.expect("there is room for temporary files");
    let mut options = StandaloneOptions::new(directory.path().join("pulsar"));
    options.durable = false;
    adjust(&mut options);
    let broker = Standalone::start(options).await.unwrap_or_else(|error| panic!("{}", missing(&error)));
    Some(OwnBroker { broker, directory })
}

/// Whether tests that need Pulsar are left out; says so if they are.
#[must_use]
pub fn is_skipped() -> bool {
    match std::env::var(SKIP) {
        Err(_) => false,
        Ok(value) if value == "skip" => {
            let thread = std::thread::current();
            let test = thread.name().unwrap_or("a test");
            let line = format!("{test}: skipped by request ({SKIP}=skip)\n");
            // Not through the test's own output, which nobody sees when it passes.
            let _ = std::io::stderr().write_all(line.as_bytes());
            true
        }
        Ok(value) => panic!("{SKIP}={value}: only `skip` is known"),
    }
}

/// What production demands of every topic's schemas, and keeps.
#[must_use]
pub fn policies() -> Policies {
    Policies {
        schema_compatibility: Some("FULL_TRANSITIVE".to_owned()),
        schema_validation_enforced: Some(true),
        schema_automatic_update: Some(false),
        retention: Some(RETENTION),
    }
}

fn missing(error: &PulsarError) -> String {
    format!("{error}; or set {SKIP}=skip to leave out the tests that need Pulsar")
}
