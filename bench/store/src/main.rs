//! Our event store beside its peers and beside the raw statement, in one run on one private PostgreSQL.
//!
//! `store POSTGRES [--busy] [--rounds N] [--seconds S] [--only WORK] [--print]`, in the repository's root (`bench/run`
//! does the rest), prints its tables and, after a whole run on an idle machine, writes them into `docs/benchmarks.md`.
//! Every round asks every system for every kind of work, each time one system alone, and the next one begins the next
//! round.
//!
//! It ends with an error when
//! 1. a request is not answered, or a loaded or replayed state is not the sum of its events;
//! 2. the events in a system's tables are not as many as those it has acknowledged, have another sum, or their streams
//!    have gaps;
//! 3. a tailing reader skips or reorders an event, or a consumer's answer is there twice.
#![expect(clippy::cast_precision_loss, reason = "figures for people")]
mod arguments;
mod cells;
mod check;
mod child;
mod floor;
mod load;
mod protocol;
mod report;
mod seed;
mod server;
mod systems;
mod vital;
mod worker;

use arguments::Arguments;
use cells::{Row, SYSTEMS, Seen, WORKS, Work};
use check::{event_bytes, size, stored};
use child::Worker;
use floor::Group;
use platform::Failure;
use protocol::{Reply, Request};
use report::{Report, title};
use server::{Place, Server};
use sqlx::PgPool;
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use uuid::Uuid;
use vital::{Chart, seeded};

/// Events of the tailing reader's run.
const TAILED: u64 = 1_000_000;

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Failure> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    if let [first, system, place] = given.as_slice()
        && first == "worker"
    {
        return worker::serve(system, &Place(PathBuf::from(place))).await;
    }
    let arguments = Arguments::parse(given)?;
    let (busy, load) = arguments.wait_until_idle().await?;
    let server = Server::start(&arguments.postgres).await?;
    let mut run =
        Run { server, arguments, systems: HashMap::new(), report: Report { busy, load, ..Report::default() } };
    let measured = run.measure().await;
    match measured {
        Ok(()) => run.finish(),
        Err(error) => Err(format!("{error}\nthe server said last:\n{}", run.server.said()).into()),
    }
}

/// One system while it is measured.
struct Measured {
    pool: PgPool,
    /// None for the raw statement.
    worker: Option<Worker>,
    /// What its tables must hold.
    held: Chart,
}

struct Run {
    server: Server,
    arguments: Arguments,
    systems: HashMap<&'static str, Measured>,
    report: Report,
}

impl Run {
    async fn measure(&mut self) -> Result<(), Failure> {
        let begun = Instant::now();
        let works: Vec<&'static Work> = WORKS.iter().filter(|work| self.arguments.wants(work.name)).collect();
        if !works.is_empty() {
            self.prepare(&works).await?;
        }
        for round in 0..self.arguments.rounds {
            for work in &works {
                for turn in 0..SYSTEMS.len() {
                    // The raw statement comes after ours, whose groups it takes over.
                    let system = SYSTEMS[(round + turn) % SYSTEMS.len()];
                    if system != "floor" && work.systems.contains(&system) && self.systems.contains_key(system) {
                        let seen = self.cell(work, system).await?;
                        self.keep(work, system, seen);
                    }
                }
                if work.systems.contains(&"floor") && self.systems.contains_key("floor") {
                    let seen = self.floor(work).await?;
                    self.keep(work, "floor", seen);
                }
            }
        }
        for (_, measured) in self.systems.drain() {
            if let Some(worker) = measured.worker {
                worker.stop().await?;
            }
            measured.pool.close().await;
        }
        if self.arguments.wants("tail") {
            self.tail().await?;
        }
        self.report.rounds = self.arguments.rounds;
        self.report.seconds = self.arguments.seconds;
        self.report.took = begun.elapsed().as_secs_f64();
        Ok(())
    }

    /// Databases, tables and a million events for everyone who is asked.
    async fn prepare(&mut self, works: &[&'static Work]) -> Result<(), Failure> {
        seed::database(&self.server, "keys").await?.close().await;
        for system in SYSTEMS {
            let asked = works.iter().any(|work| work.systems.contains(&system)) && self.arguments.measures(system);
            if !asked || system == "floor" {
                continue;
            }
            let begun = Instant::now();
            let pool = seed::database(&self.server, system).await?;
            let mut worker = Worker::start(system, &self.server.place).await?;
            worker.ask(Request::Prepare).await?;
            seed::seed(&pool, system).await?;
            let bytes = size(&pool).await? / seeded().events;
            eprintln!("{} seeded in {:.1?}", title(system), begun.elapsed());
            self.report.bytes.push((system, bytes, None));
            self.systems.insert(system, Measured { pool, worker: Some(worker), held: seeded() });
        }
        if works.iter().any(|work| work.systems.contains(&"floor")) && self.arguments.measures("floor") {
            self.copy_for_floor().await?;
        }
        self.report.versions = self.versions().await?;
        Ok(())
    }

    /// The raw statement works on a copy of our tables.
    async fn copy_for_floor(&mut self) -> Result<(), Failure> {
        let ours = self.systems.remove("historia").ok_or("the raw statement is measured beside ours")?;
        if let Some(worker) = ours.worker {
            worker.stop().await?;
        }
        ours.pool.close().await;
        let admin = self.server.open("postgres").await?;
        sqlx::raw_sql("create database floor template historia strategy file_copy").execute(&admin).await?;
        for system in ["historia", "floor"] {
            let worker = match system {
                "floor" => None,
                ours => Some(Worker::start(ours, &self.server.place).await?),
            };
            let pool = self.server.open(system).await?;
            self.systems.insert(system, Measured { pool, worker, held: seeded() });
        }
        Ok(())
    }

    async fn cell(&mut self, work: &'static Work, system: &'static str) -> Result<Seen, Failure> {
        let measured = self.systems.get_mut(system).ok_or("not prepared")?;
        sqlx::raw_sql("checkpoint").execute(&measured.pool).await?;
        let (before, lower) = (size(&measured.pool).await?, now());
        let request = (work.request)(self.arguments.seconds, u64::try_from(measured.held.events)?);
        let reply = if work.alone {
            let mut worker = Worker::start(system, &self.server.place).await?;
            let reply = worker.ask(request).await?;
            worker.stop().await?;
            reply
        } else {
            measured.worker.as_mut().ok_or("no worker")?.ask(request).await?
        };
        if matches!(request, Request::Append { .. } | Request::Hot { .. }) {
            check(system, measured, &reply, lower).await?;
            measured.held = measured.held.and(reply.chart);
        }
        if work.alone && reply.chart != measured.held {
            return Err(format!("{system} replayed {:?} instead of {:?}", reply.chart, measured.held).into());
        }
        if work.name == "append-128" && reply.chart.events > 0 {
            let bytes = (size(&measured.pool).await? - before) / reply.chart.events;
            if let Some(row) = self.report.bytes.iter_mut().find(|(of, ..)| *of == system) {
                row.2 = Some(bytes);
            }
        }
        if system == "historia" && matches!(request, Request::Append { .. }) {
            let groups = stored(&measured.pool, system, lower).await?.groups;
            self.report.groups.retain(|(of, _)| *of != work.name);
            self.report.groups.push((work.name, reply.done as f64 / groups.max(1) as f64));
        }
        let seen = Seen::of(work, &reply);
        eprintln!("{}, {}: {:.0}/s", work.name, title(system), seen.rate);
        Ok(seen)
    }

    async fn floor(&mut self, work: &'static Work) -> Result<Seen, Failure> {
        let read = match (work.request)(1.0, 0) {
            Request::Load { events, .. } => Some(floor::Read::Streams { events }),
            Request::Replay => {
                let pool = &self.systems.get("floor").ok_or("not prepared")?.pool;
                let sql = "select (select tx::text::bigint from event order by epoch, event.tx limit 1), \
                    (select tx::text::bigint from event order by epoch desc, event.tx desc limit 1 offset 10000)";
                let (first, last) = sqlx::query_as(sql).fetch_one(pool).await?;
                Some(floor::Read::Log { first, last })
            }
            _ => None,
        };
        if let Some(read) = read {
            let rate = floor::read(&self.server.place, &self.server.folder(), read, self.arguments.seconds).await?;
            eprintln!("{}, raw statement: {rate:.0}/s", work.name);
            return Ok(Seen { rate, ..Seen::default() });
        }
        let group = self.report.groups.iter().find(|(of, _)| *of == work.name).map_or(1.0, |(_, group)| *group);
        let Request::Append { events, .. } = (work.request)(1.0, 0) else { return Err("no floor for it".into()) };
        let measured = self.systems.get_mut("floor").ok_or("not prepared")?;
        sqlx::raw_sql("checkpoint").execute(&measured.pool).await?;
        let (payload, meta) = event_bytes(&measured.pool).await?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count")]
        let group = Group { appends: group.round().max(1.0) as u64, events: events.into(), payload, meta };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds that were given")]
        let seconds = self.arguments.seconds.ceil().max(1.0) as u64;
        let lower = now();
        let rate = floor::run(&self.server.place, &self.server.folder(), group, seconds).await?;
        let stored = stored(&measured.pool, "floor", lower).await?;
        // pgbench counts what it has begun in time; the statement that was under way then is stored and not counted.
        if stored.gapped != 0 || (stored.events as f64) < rate * (seconds as f64) * 0.9 {
            return Err(format!("the raw statement stored {stored:?} at {rate}/s").into());
        }
        eprintln!("{}, raw statement: {rate:.0}/s", work.name);
        let per_command = if work.per_event { 1.0 } else { f64::from(events) };
        Ok(Seen { rate: rate / per_command, ..Seen::default() })
    }

    fn keep(&mut self, work: &'static Work, system: &'static str, seen: Seen) {
        match self.report.rows.iter_mut().find(|row| row.work.name == work.name && row.system == system) {
            Some(row) => row.seen.push(seen),
            None => self.report.rows.push(Row { work, system, seen: vec![seen] }),
        }
    }

    async fn tail(&mut self) -> Result<(), Failure> {
        if !self.server.has("keys").await? {
            seed::database(&self.server, "keys").await?.close().await;
        }
        seed::database(&self.server, "tail").await?.close().await;
        let mut worker = Worker::start("tail", &self.server.place).await?;
        let reply = worker.ask(Request::Tail { events: TAILED }).await?;
        worker.stop().await?;
        eprintln!("tail: {:?} of {} events", reply.tail, reply.done);
        let clean = reply.tail == protocol::Tail::default();
        self.report.tail = Some(reply);
        if clean { Ok(()) } else { Err("the tailing reader did not see everything once and in order".into()) }
    }

    async fn versions(&self) -> Result<String, Failure> {
        let pool = self.server.open("postgres").await?;
        let version: String = sqlx::query_scalar("show server_version").fetch_one(&pool).await?;
        pool.close().await;
        let (node, pgbench) = (said("node").await?, said("pgbench").await?);
        Ok(format!(
            "PostgreSQL {version}; cqrs-es and postgres-es 0.5.0, esrs 0.18.0, disintegrate 4.0.0 and \
             disintegrate-postgres 4.0.1 on sqlx 0.8; Emmett 0.42.0 and message-db 1.3.1 on Node {node} with pg 8.23.1; {pgbench}."
        ))
    }

    fn finish(&self) -> Result<(), Failure> {
        println!("{}", self.report.markdown()?);
        if self.arguments.writes() && !self.report.busy {
            self.report.write()?;
        }
        Ok(())
    }
}

/// What is in the tables must be what was acknowledged.
async fn check(system: &str, measured: &Measured, reply: &Reply, lower: Uuid) -> Result<(), Failure> {
    let stored = stored(&measured.pool, system, lower).await?;
    let sum = stored.sum.unwrap_or(reply.chart.sum);
    if stored.gapped == 0 && stored.events == reply.chart.events && sum == reply.chart.sum {
        Ok(())
    } else {
        Err(format!("{system} acknowledged {:?} and stored {stored:?}", reply.chart).into())
    }
}

/// What `program --version` says.
async fn said(program: &str) -> Result<String, Failure> {
    let output = tokio::process::Command::new(program).arg("--version").output().await;
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The least id of version 7 of this millisecond.
fn now() -> Uuid {
    let millis = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    Uuid::from_u128(millis << 80 | 0x7 << 76 | 0b10 << 62)
}
