//! `doctor`: what this machine has and lacks for `up`, and what to do about it.
use crate::cli::DoctorArgs;
use crate::data_directory::DataDirectory;
use crate::failure::Failure;
use crate::output::{List, Output};
use infra_runtime::postgres;
use serde::Serialize;
use std::net::{Ipv4Addr, TcpListener};
use utoipa::ToSchema;

const CHECKS: List = List { name: "checks", id: "name", columns: &["state", "name", "detail"] };

/// What is there, and what is not.
#[derive(Serialize, ToSchema)]
pub(crate) struct Report {
    ready: bool,
    checks: Vec<Check>,
}

#[derive(Serialize, ToSchema)]
struct Check {
    name: &'static str,
    /// `ok`, `warning` (works, but), `failed`, or `unknown`: what could not be checked is not healthy.
    state: &'static str,
    /// What was found, and how to mend it.
    detail: String,
}

/// Checks and tells.
///
/// # Errors
/// Something that `up` needs is missing.
pub(crate) async fn run(arguments: &DoctorArgs) -> Result<(), Failure> {
    let checks = vec![postgresql(arguments).await, directory(arguments), port(arguments.port), descriptors()];
    let ready = checks.iter().all(|check| matches!(check.state, "ok" | "warning"));
    let report = Report { ready, checks };
    Output::new(arguments.output).list(&CHECKS, &report)?;
    if ready { Ok(()) } else { Err(Failure::new("this machine is not ready for `historia up`: see the checks above")) }
}

async fn postgresql(arguments: &DoctorArgs) -> Check {
    let name = "postgresql";
    if let Some(url) = &arguments.store.database_url {
        return match given(url).await {
            Ok(version) => Check { name, state: "ok", detail: format!("the given server answers: {version}") },
            Err(failure) => Check { name, state: "failed", detail: failure.message },
        };
    }
    match postgres::installed() {
        Ok(installed) => {
            let detail = format!("version {} in {}", installed.version, installed.directory.display());
            Check { name, state: "ok", detail }
        }
        Err(error) => Check { name, state: "failed", detail: error.to_string() },
    }
}

async fn given(url: &str) -> Result<String, Failure> {
    let options = url.parse().map_err(|_| Failure::new("HISTORIA_DATABASE_URL is not a PostgreSQL address"))?;
    let pool = infra_runtime::database::pool(options, 1).await?;
    let version: String = sqlx::query_scalar("show server_version").fetch_one(&pool).await?;
    pool.close().await;
    Ok(version)
}

fn directory(arguments: &DoctorArgs) -> Check {
    let name = "data directory";
    let data = match DataDirectory::locate(arguments.store.data_dir.as_deref()) {
        Ok(data) => data,
        Err(failure) => return Check { name, state: "failed", detail: failure.message },
    };
    let shown = data.path().display();
    if data.exists() {
        return Check { name, state: "ok", detail: format!("{shown}, with data") };
    }
    let parent = data.path().ancestors().find(|ancestor| ancestor.exists());
    let writable = parent.is_some_and(|parent| nix::unistd::access(parent, nix::unistd::AccessFlags::W_OK).is_ok());
    if writable {
        Check { name, state: "ok", detail: format!("{shown}, will be made") }
    } else {
        Check { name, state: "failed", detail: format!("{shown} cannot be made: name another one with --data-dir DIR") }
    }
}

fn port(port: u16) -> Check {
    let name = "port";
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Check { name, state: "ok", detail: format!("{port} is free") },
        Err(_) => Check {
            name,
            state: "warning",
            detail: format!("{port} is in use, by `historia up` or something else: choose another one with --port"),
        },
    }
}

/// One connection each from client to gateway, gateway to service and service to database.
fn descriptors() -> Check {
    let name = "open files";
    match nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE) {
        Ok((soft, _)) if soft >= 1024 => Check { name, state: "ok", detail: format!("up to {soft}") },
        Ok((soft, _)) => Check {
            name,
            state: "warning",
            detail: format!("only {soft}: run `ulimit -n 4096` for more clients at once"),
        },
        Err(error) => Check { name, state: "unknown", detail: error.to_string() },
    }
}
