//! One run of the load tool: as many requests as are answered in a time, over a fixed number of connections.
use platform::Failure;
use serde_json::Value;
use std::time::Duration;
use tokio::process::Command;

const OHA: &str = "bench/target/oha/bin/oha";
/// No request may take longer.
const PATIENCE: &str = "30s";

/// A request as the load tool sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    FileResult,
    ReadResult,
    LogIn,
}

impl Work {
    pub fn name(self) -> &'static str {
        match self {
            Self::FileResult => "`POST /results`",
            Self::ReadResult => "`GET /results/{n}`",
            Self::LogIn => "`POST /login`",
        }
    }

    fn expected(self) -> &'static str {
        if self == Self::FileResult { "201" } else { "200" }
    }
}

/// Who is asked, and as whom.
pub struct Target {
    pub url: String,
    pub token: String,
    /// What is sent to `/login`.
    pub account: Value,
}

/// What one run saw.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    pub answers: i64,
    pub per_second: f64,
    pub p50: f64,
    pub p99: f64,
}

/// Asks for `time`, and waits for every answer that is still due then. Any other answer than the expected one is an
/// error, and so is any request without one.
pub async fn run(target: &Target, work: Work, connections: u32, time: Duration) -> Result<Seen, Failure> {
    let mut command = Command::new(OHA);
    command.args(["--no-tui", "--output-format", "json", "--wait-ongoing-requests-after-deadline", "-t", PATIENCE]);
    command.args(["-z", &format!("{}s", time.as_secs()), "-c", &connections.to_string()]);
    command.args(["-T", "application/json"]);
    let body = match work {
        Work::FileResult => Some(crate::result()),
        Work::ReadResult => None,
        Work::LogIn => Some(target.account.clone()),
    };
    if let Some(body) = body {
        command.args(["-m", "POST", "-d", &body.to_string()]);
    }
    if work != Work::LogIn {
        command.args(["-H", &format!("authorization: Bearer {}", target.token)]);
    }
    match work {
        Work::FileResult => command.arg(format!("{}/results", target.url)),
        // The results from 100 to 199, which were filed before.
        Work::ReadResult => command.args(["--rand-regex-url", &format!("{}/results/1[0-9][0-9]", target.url)]),
        Work::LogIn => command.arg(format!("{}/login", target.url)),
    };
    let output = command.kill_on_drop(true).output().await?;
    if !output.status.success() {
        return Err(format!("{OHA}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    read(&serde_json::from_slice(&output.stdout)?, work)
}

fn read(report: &Value, work: Work) -> Result<Seen, Failure> {
    let statuses = report["statusCodeDistribution"].as_object().ok_or("no statuses")?;
    let errors = report["errorDistribution"].as_object().ok_or("no errors")?;
    let answers = statuses.get(work.expected()).and_then(Value::as_i64).unwrap_or(0);
    if answers == 0 || statuses.len() > 1 || !errors.is_empty() {
        return Err(
            format!("{}: not every answer is {}: {statuses:?}, {errors:?}", work.name(), work.expected()).into()
        );
    }
    let number = |part: &str, name: &str| report[part][name].as_f64().ok_or(format!("no {name}"));
    Ok(Seen {
        answers,
        per_second: number("summary", "requestsPerSec")?,
        p50: number("latencyPercentiles", "p50")? * 1000.0,
        p99: number("latencyPercentiles", "p99")? * 1000.0,
    })
}
