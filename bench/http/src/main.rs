//! How many requests a second the gateway answers, and how fast, beside bare axum handlers and beside a usual service
//! (Flask, gunicorn, JWT), in one run on one PostgreSQL with fsync on.
//!
//! `http-path BINARY [--busy] [ROUNDS [SECONDS]]`, in the repository's root, prints one Markdown table. Every round asks every
//! system for every kind of work, each time one system alone, and the next one begins the next round. The platform's
//! mails and its saga go on after its answers; before the next system's turn they are waited for.
//!
//! It ends with an error when
//! 1. any request is not answered, or otherwise than with the expected 2xx;
//! 2. the results that a service has stored are not as many as those it has acknowledged;
//! 3. a result of the platform has no mail, or a reading of one is not recorded.
mod historia;
mod load;
mod peers;
mod table;

use historia::Historia;
use infra_runtime::database::{create_database, pool};
use infra_runtime::postgres::{Cluster, SUPERUSER};
use load::{Target, Work};
use peers::Peer;
use platform::{Failure, connections, folder, print_load, send};
use serde_json::{Value, json};
use sqlx::PgPool;
use std::time::{Duration, Instant};
use table::Row;

const USERNAME: &str = "laboratorio0";
/// Filed before anything is measured; the last hundred are read.
const FILED_BEFORE: i64 = 199;
/// What is asked for, over how many connections. The platform refuses log-ins when more than 32 wait for a core.
const CELLS: [(Work, u32); 5] =
    [(Work::FileResult, 16), (Work::FileResult, 64), (Work::ReadResult, 16), (Work::ReadResult, 64), (Work::LogIn, 16)];
const SYSTEMS: [&str; 3] = ["bare axum", "Flask", "Historia"];
/// A machine that does more than this beside the measuring gives no figures.
const IDLE: f64 = 1.0;
/// What was just built still shows in the load average.
const UNTIL_IDLE: Duration = Duration::from_secs(120);
const START: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let (flags, mut arguments): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|text| text.starts_with("--"));
    if arguments.is_empty() || arguments.len() > 3 || flags.iter().any(|flag| flag != "--busy") {
        return Err("usage: http-path BINARY [--busy] [ROUNDS [SECONDS]]".into());
    }
    let seconds: u64 = arguments.get(2).map_or(Ok(3), |text| text.parse())?;
    let rounds: usize = arguments.get(1).map_or(Ok(3), |text| text.parse())?;
    if !(1..=10).contains(&rounds) || !(1..=30).contains(&seconds) {
        return Err("from 1 to 10 rounds of 1 to 30 seconds".into());
    }
    if flags.is_empty() {
        wait_until_idle().await?;
    }
    print_load();
    measure(&arguments.swap_remove(0), rounds, Duration::from_secs(seconds)).await
}

async fn measure(binary: &str, rounds: usize, time: Duration) -> Result<(), Failure> {
    let folder = folder()?;
    let cluster = Cluster::start(&folder.path().join("postgres"), None, true).await?;
    let password_file = cluster.directory().join("secrets/superuser");
    let password = std::fs::read_to_string(&password_file)?;
    let plain = plain_database(&cluster).await?;

    let floor = Peer::floor()?;
    let flask = Peer::flask(folder.path(), cluster.port(), SUPERUSER, password.trim(), "flask")?;
    let historia = Historia::up(binary, folder.path(), &cluster, &password_file).await?;
    let targets = [register(&floor.url).await?, register(&flask.url).await?, sign_in(historia.url()).await?];
    for target in &targets[1..] {
        file_before(target).await?;
    }
    for target in &targets {
        // The first requests of a new process are no steady load.
        load::run(target, Work::LogIn, 16, Duration::from_secs(1)).await?;
    }

    let mut rows: Vec<Row> = CELLS
        .iter()
        .flat_map(|&(work, connections)| SYSTEMS.map(|system| Row { work, connections, system, rounds: Vec::new() }))
        .collect();
    let mut behind = Duration::ZERO;
    for round in 0..rounds {
        for cell in 0..CELLS.len() {
            for turn in 0..SYSTEMS.len() {
                let system = (round + turn) % SYSTEMS.len();
                let row = &mut rows[cell * SYSTEMS.len() + system];
                // Also the others' turn is free of what the last one left.
                behind = behind.max(historia.settle().await?);
                row.rounds.push(load::run(&targets[system], row.work, row.connections, time).await?);
            }
        }
    }
    behind = behind.max(historia.settle().await?);

    let answers = |work: Work, system: &str| -> i64 {
        let rows = rows.iter().filter(|row| row.work == work && row.system == system);
        rows.flat_map(|row| &row.rounds).map(|seen| seen.answers).sum()
    };
    let stored: i64 = sqlx::query_scalar("select count(*) from result").fetch_one(&plain).await?;
    agree("Flask", "stored results", stored, answers(Work::FileResult, "Flask") + FILED_BEFORE)?;
    let filed = answers(Work::FileResult, "Historia") + FILED_BEFORE;
    historia.check(filed, answers(Work::ReadResult, "Historia")).await?;

    println!(
        "{} cores, PostgreSQL {}, {rounds} rounds of {time:?}; median (least–greatest)\n\n{}",
        std::thread::available_parallelism()?,
        cluster.version(),
        table::markdown(&rows)
    );
    println!("Acknowledged and stored: Flask {stored} results, Historia {filed}, each of these with its mail.");
    println!("Historia's mails and saga were done at most {behind:.1?} after the load's end.");
    historia.stop().await?;
    plain.close().await;
    drop(flask);
    cluster.stop().await?;
    Ok(())
}

/// What is filed.
pub fn result() -> Value {
    json!({"patient": "Paciente de Prueba", "result": "Resultado Positivo"})
}

/// An error unless `seen` is `expected`.
pub fn agree(system: &str, what: &str, seen: i64, expected: i64) -> Result<(), Failure> {
    if seen == expected { Ok(()) } else { Err(format!("{system}: {seen} {what}, {expected} acknowledged").into()) }
}

async fn wait_until_idle() -> Result<(), Failure> {
    let begun = Instant::now();
    loop {
        let text = std::fs::read_to_string("/proc/loadavg")?;
        let load: f64 = text.split(' ').next().unwrap_or_default().parse()?;
        if load <= IDLE {
            return Ok(());
        }
        if begun.elapsed() > UNTIL_IDLE {
            return Err(format!("the load average is {load}, above {IDLE}: figures would mean nothing (--busy)").into());
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// The database of the Flask service.
async fn plain_database(cluster: &Cluster) -> Result<PgPool, Failure> {
    let admin = pool(cluster.options(), 1).await?;
    create_database(&admin, "flask", SUPERUSER).await?;
    admin.close().await;
    let plain = pool(cluster.options().database("flask"), 1).await?;
    sqlx::raw_sql(include_str!("../../flask/schema.sql")).execute(&plain).await?;
    Ok(plain)
}

/// Registers the account as soon as the service answers, and signs in.
async fn register(url: &str) -> Result<Target, Failure> {
    let (begun, account) = (Instant::now(), json!({"username": USERNAME, "password": "password2"}));
    loop {
        match send(&connections(), url, "/users", None, &account).await {
            Ok((status, _)) if status.as_u16() == 201 => return sign_in(url).await,
            Err(_) if begun.elapsed() < START => tokio::time::sleep(Duration::from_millis(50)).await,
            ended => return Err(format!("{url} does not register: {ended:?}").into()),
        }
    }
}

async fn sign_in(url: &str) -> Result<Target, Failure> {
    let account = json!({"username": USERNAME, "password": "password2"});
    let (_, answer) = send(&connections(), url, "/login", None, &account).await?;
    let token = answer["access_token"].as_str().ok_or("no token")?.to_owned();
    Ok(Target { url: url.to_owned(), token, account })
}

async fn file_before(target: &Target) -> Result<(), Failure> {
    let connections = connections();
    for number in 1..=FILED_BEFORE {
        let (_, answer) = send(&connections, &target.url, "/results", Some(&target.token), &result()).await?;
        if answer["number"].as_i64() != Some(number) {
            return Err(format!("{}: the result {number} was answered with {answer}", target.url).into());
        }
    }
    Ok(())
}
