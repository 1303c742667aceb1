//! How soon `historia up` answers its first 201, on an empty and on an existing data directory, and how quickly
//! `POST /results` is answered at a steady rate.
//!
//! The load is open: a request is sent when its moment has come, whether or not earlier ones are answered, and its time
//! counts from that moment, so a stall is seen in every request that it held up.
//!
//! `latency BINARY [RATE [SECONDS]]` prints one line per figure.
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

type Failure = Box<dyn Error + Send + Sync>;
type Connections = Client<HttpConnector, Full<Bytes>>;

const LABORATORIES: usize = 10;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let binary = arguments.next().ok_or("usage: latency BINARY [RATE [SECONDS]]")?;
    let rate: u32 = arguments.next().map_or(Ok(100), |text| text.parse())?;
    let seconds: u32 = arguments.next().map_or(Ok(30), |text| text.parse())?;

    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load average before: {}", load.trim());
    let folder = tempfile::Builder::new().prefix("historia-bench-").tempdir_in("/tmp")?;
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;

    let (platform, first) = Platform::up(&binary, folder.path(), "primero0").await?;
    println!("first 201 on an empty data directory:     {first:.2?}");
    platform.stop()?;
    let (platform, again) = Platform::up(&binary, folder.path(), "primero1").await?;
    println!("first 201 on an existing data directory:  {again:.2?}");

    let (mut times, failed) = steady(&platform.url, rate, seconds).await?;
    platform.stop()?;
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
    println!("POST /results at {rate}/s for {seconds} s: {} answered 201, {failed} not", times.len());
    println!("p50 {:.2?}  p90 {:.2?}  p99 {:.2?}  max {:.2?}", at(0.5), at(0.9), at(0.99), at(1.0));
    Ok(())
}

struct Platform {
    child: Child,
    url: String,
}

impl Platform {
    /// Starts the platform and tells how long it took until a user could be registered.
    async fn up(binary: &str, folder: &Path, username: &str) -> Result<(Self, Duration), Failure> {
        let url_file = folder.join("url");
        let _ = std::fs::remove_file(&url_file);
        let log = std::fs::File::create(folder.join("up.log"))?;
        let begun = Instant::now();
        let child = Command::new(binary)
            .args(["up", "--port", "0", "--rate-post", "1000000", "--rate-get", "1000000", "--rate-all", "1000000"])
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
            if begun.elapsed() > Duration::from_secs(60) || platform.child.try_wait()?.is_some() {
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

    fn stop(mut self) -> Result<(), Failure> {
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

/// The times of the answers with 201, and how many requests had another end.
async fn steady(url: &str, rate: u32, seconds: u32) -> Result<(Vec<Duration>, usize), Failure> {
    let connections = connections();
    let mut tokens = Vec::new();
    for number in 0..LABORATORIES {
        let account = json!({"username": format!("laboratorio{number}"), "password": "password2"});
        send(&connections, url, "/users", None, &account).await?;
        let (_, answer) = send(&connections, url, "/login", None, &account).await?;
        tokens.push(answer["access_token"].as_str().ok_or("no token")?.to_owned());
    }
    let body = json!({"patient": "Paciente de Prueba", "result": "Resultado Positivo"});
    let begun = Instant::now() + Duration::from_millis(200);
    let mut requests = tokio::task::JoinSet::new();
    for number in 0..rate * seconds {
        let moment = begun + Duration::from_secs_f64(f64::from(number) / f64::from(rate));
        tokio::time::sleep_until(moment.into()).await;
        let (connections, url, body) = (connections.clone(), url.to_owned(), body.clone());
        let token = tokens[number as usize % tokens.len()].clone();
        requests.spawn(async move {
            let answer = send(&connections, &url, "/results", Some(&token), &body).await;
            matches!(answer, Ok((StatusCode::CREATED, _))).then(|| moment.elapsed())
        });
    }
    let (mut times, mut failed) = (Vec::new(), 0);
    while let Some(ended) = requests.join_next().await {
        match ended? {
            Some(time) => times.push(time),
            None => failed += 1,
        }
    }
    if times.is_empty() {
        return Err("no request was answered with 201".into());
    }
    Ok((times, failed))
}

fn connections() -> Connections {
    Client::builder(TokioExecutor::new()).build_http()
}

async fn send(
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
