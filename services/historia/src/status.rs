//! `status` and `down`: the `up` that runs on a data directory, or whatever gateway there is at an address.
use crate::cli::{DownArgs, StatusArgs};
use crate::data_directory::{DataDirectory, Notice};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::gateway::Way;
use crate::output::{self, List, Output};
use axum::http::Method;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Serialize;
use serde_json::Value;
use std::time::{Duration, Instant};
use utoipa::ToSchema;

const SERVICES: List = List { name: "services", id: "service", columns: &["service", "status"] };
/// Between two looks at an `up` that is stopping.
const PAUSE: Duration = Duration::from_millis(50);

#[derive(Serialize, ToSchema)]
pub(crate) struct Status {
    url: String,
    /// `OK`, `DEGRADED` (a service does not answer) or `UNAVAILABLE`.
    status: String,
    /// The process; `null` for a gateway that is asked by its address.
    process: Option<Notice>,
    services: Vec<ServiceStatus>,
}

#[derive(Serialize, ToSchema)]
struct ServiceStatus {
    service: String,
    status: String,
}

/// Says how everything is.
///
/// # Errors
/// Nothing runs, or something does not answer.
pub(crate) async fn status(arguments: StatusArgs) -> Result<(), Failure> {
    let (url, process) = match arguments.url {
        Some(url) => (url, None),
        None => {
            let data = DataDirectory::locate(arguments.data_dir.as_deref())?;
            let notice = data.running()?.ok_or_else(|| {
                let message = format!("nothing runs on {}: start it with `historia up`", data.path().display());
                Failure::ending(Exit::Unavailable, message)
            })?;
            let url = notice.url.clone().ok_or_else(|| {
                Failure::ending(Exit::Unavailable, format!("`historia up` (process {}) is starting", notice.pid))
            })?;
            (url, Some(notice))
        }
    };
    let answer = Way::new(&url, None)?.send(Method::GET, "/readyz", None, None).await?;
    let services = answer.get("services").and_then(Value::as_object).into_iter().flatten();
    let word = |value: &Value| value.as_str().unwrap_or("UNKNOWN").to_owned();
    let status = Status {
        status: word(&answer["status"]),
        services: services
            .map(|(service, status)| ServiceStatus { service: service.clone(), status: word(status) })
            .collect(),
        url,
        process,
    };
    if let Some(Notice { pid, started_at, version, .. }) = &status.process {
        output::note(format!("historia {version} answers at {} since {started_at} (process {pid})", status.url));
    }
    Output::new(arguments.output).list(&SERVICES, &status)?;
    if status.status == "OK" {
        return Ok(());
    }
    Err(Failure::ending(Exit::Unavailable, format!("{} is {}", status.url, status.status)))
}

/// Stops the `up` that runs on a data directory, as Ctrl-C does, and waits until it has ended.
///
/// # Errors
/// It cannot be told, or does not end in time.
pub(crate) async fn down(arguments: DownArgs) -> Result<(), Failure> {
    let data = DataDirectory::locate(arguments.data_dir.as_deref())?;
    let Some(notice) = data.running()? else {
        output::note(format!("nothing runs on {}", data.path().display()));
        return Ok(());
    };
    if arguments.dry_run {
        output::note(format!("would stop process {}; nothing was changed", notice.pid));
        return Ok(());
    }
    let told = kill(Pid::from_raw(notice.pid), Signal::SIGTERM);
    told.map_err(|error| Failure::of(&format!("stopping process {}", notice.pid), &error))?;
    let (begun, patience) = (Instant::now(), Duration::from_secs(arguments.wait));
    loop {
        // Somewhere in its end it takes its notice away and still holds the directory: that is no answer yet.
        match data.running() {
            Ok(None) => break,
            Ok(Some(another)) if another.pid != notice.pid => break,
            _ => {}
        }
        if begun.elapsed() >= patience {
            let message = format!("process {} is still stopping after {} s", notice.pid, arguments.wait);
            return Err(Failure::ending(Exit::Busy, message));
        }
        tokio::time::sleep(PAUSE).await;
    }
    output::note(format!("stopped process {}", notice.pid));
    Ok(())
}
