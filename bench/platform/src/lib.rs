//! The built platform, started and stopped from outside, and a steady load of results.
//!
//! The load is open: a request is sent when its moment has come, whether or not earlier ones are answered, and its time
//! counts from that moment, so a stall is seen in every request that it held up.
pub mod mails;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use std::error::Error;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub type Failure = Box<dyn Error + Send + Sync>;
pub type Connections = Client<HttpConnector, Full<Bytes>>;

const LABORATORIES: usize = 10;
/// With a new data directory Pulsar's jars may have to be fetched first.
const START: Duration = Duration::from_secs(300);

/// A folder that the servers' own users can reach.
pub fn folder() -> Result<TempDir, Failure> {
    let folder = tempfile::Builder::new().prefix("historia-bench-").tempdir_in("/tmp")?;
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
    Ok(folder)
}

/// Prints what else the machine has to do.
pub fn print_load() {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load average before: {}", load.trim());
}

/// `historia up`.
pub struct Platform {
    child: Child,
    pub url: String,
}

impl Platform {
    /// Starts the platform with `arguments` and tells how long it took until `username` could be registered.
    pub async fn up(
        binary: &str,
        folder: &Path,
        arguments: &[&str],
        username: &str,
    ) -> Result<(Self, Duration), Failure> {
        let url_file = folder.join("url");
        let _ = std::fs::remove_file(&url_file);
        let log = std::fs::File::create(folder.join("up.log"))?;
        let begun = Instant::now();
        let child = Command::new(binary)
            .args(["up", "--port", "0", "--rate-post", "1000000", "--rate-get", "1000000", "--rate-all", "1000000"])
            .args(arguments)
            .arg("--data-dir")
            .arg(folder.join("data"))
            .arg("--url-file")
            .arg(&url_file)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let mut platform = Self { child, url: String::new() };
        while platform.url.is_empty() {
            if begun.elapsed() > START || platform.child.try_wait()?.is_some() {
                return Err(format!("`up` did not start: {}", std::fs::read_to_string(folder.join("up.log"))?).into());
            }
            platform.url = std::fs::read_to_string(&url_file).unwrap_or_default().trim().to_owned();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let body = json!({"username": username, "password": "password2"});
        let (status, answer) = send(&connections(), &platform.url, "/users", None, &body).await?;
        if status != StatusCode::CREATED {
            return Err(format!("{status}: {answer}").into());
        }
        Ok((platform, begun.elapsed()))
    }

    /// The process's id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn stop(mut self) -> Result<(), Failure> {
        kill(Pid::from_raw(self.child.id().try_into()?), Signal::SIGINT)?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

/// A result that was accepted.
#[derive(Clone, Copy, Debug)]
pub struct Accepted {
    pub number: i64,
    /// When its request was due.
    pub due: Instant,
    /// When it was answered.
    pub answered: Instant,
}

/// Files `rate * seconds` results; what was answered with 201, and how many requests had another end.
pub async fn file_results(url: &str, rate: u32, seconds: u32) -> Result<(Vec<Accepted>, usize), Failure> {
    let connections = connections();
    let mut tokens = Vec::new();
    for number in 0..LABORATORIES {
        let account = json!({
            "username": format!("laboratorio{number}"),
            "password": "password2",
            "email": format!("laboratorio{number}@example.org"),
        });
        // Registered already when this is not the first load.
        send(&connections, url, "/users", None, &account).await?;
        let account = json!({"username": account["username"], "password": account["password"]});
        let (_, answer) = send(&connections, url, "/login", None, &account).await?;
        tokens.push(answer["access_token"].as_str().ok_or("no token")?.to_owned());
    }
    let body = json!({"patient": "Paciente de Prueba", "result": "Resultado Positivo"});
    let begun = Instant::now() + Duration::from_millis(200);
    let mut requests = tokio::task::JoinSet::new();
    for number in 0..rate * seconds {
        let due = begun + Duration::from_secs_f64(f64::from(number) / f64::from(rate));
        tokio::time::sleep_until(due.into()).await;
        let (connections, url, body) = (connections.clone(), url.to_owned(), body.clone());
        let token = tokens[number as usize % tokens.len()].clone();
        requests.spawn(async move {
            let (status, answer) = send(&connections, &url, "/results", Some(&token), &body).await.ok()?;
            let number = answer["number"].as_i64().filter(|_| status == StatusCode::CREATED)?;
            Some(Accepted { number, due, answered: Instant::now() })
        });
    }
    let (mut accepted, mut failed) = (Vec::new(), 0);
    while let Some(ended) = requests.join_next().await {
        match ended? {
            Some(result) => accepted.push(result),
            None => failed += 1,
        }
    }
    if accepted.is_empty() {
        return Err("no request was answered with 201".into());
    }
    Ok((accepted, failed))
}

/// The usual quantiles of `times`, in one line.
pub fn quantiles(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
    format!("p50 {:.1?}  p90 {:.1?}  p99 {:.1?}  max {:.1?}", at(0.5), at(0.9), at(0.99), at(1.0))
}

pub fn connections() -> Connections {
    Client::builder(TokioExecutor::new()).build_http()
}

pub async fn send(
    connections: &Connections,
    url: &str,
    path: &str,
    token: Option<&str>,
    body: &Value,
) -> Result<(StatusCode, Value), Failure> {
    let mut request = Request::builder().method(Method::POST).uri(format!("{url}{path}"));
    request = request.header("content-type", "application/json");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let response = connections.request(request.body(Full::new(Bytes::from(body.to_string())))?).await?;
    let status = response.status();
    let bytes = response.into_body().collect().await?.to_bytes();
    Ok((status, serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
}
