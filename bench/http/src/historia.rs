//! The platform on the run's PostgreSQL: when it has nothing left to do, and what it has stored.
use crate::{USERNAME, agree};
use infra_runtime::database::pool;
use infra_runtime::postgres::{Cluster, SUPERUSER};
use platform::{Failure, Platform};
use sqlx::PgPool;
use std::path::Path;
use std::time::{Duration, Instant};

/// Numbers of stored event types of the results service; they never change.
const RESULT_CREATED: i16 = 1;
const RESULT_QUERIED: i16 = 20;
const PATIENT_NOTIFIED: i16 = 30;
/// How long the last mails may take.
const LAST: Duration = Duration::from_secs(120);
/// How long the process must do nothing, and how little that is.
const PAUSE: Duration = Duration::from_millis(300);
const NOTHING: u64 = 3;

pub struct Historia {
    platform: Platform,
    results: PgPool,
}

impl Historia {
    pub async fn up(binary: &str, folder: &Path, cluster: &Cluster, password: &Path) -> Result<Self, Failure> {
        let url = format!("postgres://{SUPERUSER}@127.0.0.1:{}/postgres", cluster.port());
        let password = password.to_str().ok_or("the folder's name is no text")?;
        let arguments = ["--lang", "en", "--yes", "--database-url", &url, "--database-password-file", password];
        let (platform, _) = Platform::up(binary, folder, &arguments, USERNAME).await?;
        let results = pool(cluster.options().database("historia_results"), 1).await?;
        Ok(Self { platform, results })
    }

    pub fn url(&self) -> &str {
        &self.platform.url
    }

    /// Waits until every result has its mail and the process does nothing any more; tells how long that took.
    pub async fn settle(&self) -> Result<Duration, Failure> {
        let begun = Instant::now();
        let mut busy_until = begun;
        let mut before = self.processor_time()?;
        loop {
            tokio::time::sleep(PAUSE).await;
            let now = self.processor_time()?;
            if now - before <= NOTHING && self.stored(PATIENT_NOTIFIED).await? == self.stored(RESULT_CREATED).await? {
                return Ok(busy_until - begun);
            }
            if begun.elapsed() > LAST {
                return Err(format!("mails and saga are not done after {LAST:?}").into());
            }
            (before, busy_until) = (now, Instant::now());
        }
    }

    /// An error unless it has stored what it has acknowledged.
    pub async fn check(&self, filed: i64, read: i64) -> Result<(), Failure> {
        agree("Historia", "stored results", self.stored(RESULT_CREATED).await?, filed)?;
        agree("Historia", "results with a mail", self.stored(PATIENT_NOTIFIED).await?, filed)?;
        agree("Historia", "recorded readings", self.stored(RESULT_QUERIED).await?, read)
    }

    pub async fn stop(self) -> Result<(), Failure> {
        self.results.close().await;
        self.platform.stop()
    }

    async fn stored(&self, event_type: i16) -> Result<i64, Failure> {
        let statement = "select count(*) from event where type_id = $1";
        Ok(sqlx::query_scalar(statement).bind(event_type).fetch_one(&self.results).await?)
    }

    /// What the process has used of the processors, in hundredths of a second.
    fn processor_time(&self) -> Result<u64, Failure> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.platform.pid()))?;
        // The name in brackets may hold spaces; user and system time are the 12th and 13th field after it.
        let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let field = |number: usize| fields.get(number).ok_or("a short line")?.parse::<u64>().map_err(Failure::from);
        Ok(field(11)? + field(12)?)
    }
}
