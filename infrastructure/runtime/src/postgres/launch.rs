//! Starting the server and waiting until it answers.
use super::binaries::Binaries;
use super::postmaster::Postmaster;
use super::{ClusterError, ClusterOptions, PAUSE, STEPS, connect_options, data, settings};
use crate::child::{Account, Process, free_port, last_line, open_log, said_since};
use sqlx::{ConnectOptions, Connection};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a start may take; after a crash the server first repeats its log.
const START_LIMIT: Duration = Duration::from_secs(300);
/// How often a start is tried again with another free port, or while a killed server's last processes go.
const ATTEMPTS: u32 = 25;

/// Starts the server and waits until it answers.
pub(super) async fn launch(
    options: &ClusterOptions,
    account: &Account,
    binaries: &Binaries,
    password: &str,
    port: Option<u16>,
) -> Result<(Process, u16), ClusterError> {
    let log = options.directory.join("postgres.log");
    let mut attempt = 0;
    loop {
        attempt += 1;
        let chosen = match port {
            Some(port) => port,
            None => free_port().map_err(ClusterError::io(&options.directory))?,
        };
        let (file, begin) = open_log(&log).map_err(ClusterError::io(&log))?;
        let mut command =
            account.command(&binaries.postgres(), STEPS.first().map(|step| step.0).filter(|_| !options.outlives_owner));
        command.arg("-D").arg(data(&options.directory)).args(settings::arguments(chosen, options.durable));
        let process = Process::start("postgres", command, file, STEPS, !options.outlives_owner);
        let process = process.await.map_err(ClusterError::io(&log))?;
        match answers(&process, options, chosen, password).await {
            Ok(()) => return Ok((process, chosen)),
            Err(Some(reason)) => return Err(not_started(reason, &log)),
            Err(None) => {}
        }
        let said = said_since(&log, begin);
        let port_taken = said.contains("could not bind");
        // A postmaster that was killed leaves its backends behind for a moment.
        let still_going = said.contains("pre-existing shared memory block");
        match port {
            Some(port) if port_taken => return Err(ClusterError::PortInUse { port }),
            _ if (port_taken || still_going) && attempt < ATTEMPTS => tokio::time::sleep(PAUSE * 10).await,
            _ => return Err(not_started(last_words(&said), &log)),
        }
    }
}

/// Waits until the server answers a query. `Err(None)`: it ended, its log says why.
async fn answers(process: &Process, options: &ClusterOptions, port: u16, password: &str) -> Result<(), Option<String>> {
    let begun = Instant::now();
    let data = data(&options.directory);
    loop {
        let ready = Postmaster::of(&data).is_some_and(|postmaster| postmaster.pid == process.pid() && postmaster.ready);
        if ready {
            let connection = connect_options(&data, port, password).disable_statement_logging().connect().await;
            let connection = connection.map_err(|error| Some(crate::database::reason(&error)))?;
            let _ = connection.close().await;
            return Ok(());
        }
        if tokio::time::timeout(PAUSE, process.ended()).await.is_ok() {
            return Err(None);
        }
        if begun.elapsed() > START_LIMIT {
            return Err(Some(format!("it is not ready after {} s", START_LIMIT.as_secs())));
        }
    }
}

/// The last complaint in what the server said, without time and process id.
fn last_words(said: &str) -> String {
    let line = last_line(said, &["FATAL:", "PANIC:", "setpriv:"]);
    let begin = ["FATAL:", "PANIC:"].iter().find_map(|mark| line.find(mark).map(|at| at + mark.len())).unwrap_or(0);
    line[begin..].trim().to_owned()
}

fn not_started(reason: String, log: &Path) -> ClusterError {
    ClusterError::NotStarted { reason, log: log.display().to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_of_a_failed_start_is_the_servers_last_complaint() {
        let said = "2026-01-02 03:04:05.678 UTC [9] LOG:  starting\n\
                    2026-01-02 03:04:05.678 UTC [9] FATAL:  data directory has wrong ownership\n\
                    2026-01-02 03:04:05.679 UTC [9] LOG:  database system is shut down\n";
        assert_eq!(last_words(said), "data directory has wrong ownership");
        assert_eq!(last_words(""), "it said nothing");
    }
}
