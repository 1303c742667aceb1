//! One system in a process of its own: takes requests from its standard input, answers on its standard output.
use crate::load::{self, Answer};
use crate::protocol::{Reply, Request};
use crate::server::Place;
use crate::systems::System;
use crate::systems::cqrs_es::CqrsEs;
use crate::systems::disintegrate::Disintegrate;
use crate::systems::esrs::Esrs;
use crate::systems::historia::Historia;
use crate::vital::{Chart, LONG, LONG_STREAMS, STREAMS, Vital, seeded_in, stream, value};
use platform::Failure;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, BufReader};
use uuid::Uuid;

/// Answers until the input ends.
pub async fn serve(system: &str, place: &Place) -> Result<(), Failure> {
    match system {
        // The tailing reader has tables of its own.
        "historia" | "tail" => {
            let opened = Historia::open(place.options(system), place.options("keys")).await?;
            answer(Arc::new(opened)).await
        }
        "cqrs_es" => answer(Arc::new(CqrsEs::open(place.peers_options(system)).await?)).await,
        "esrs" => answer(Arc::new(Esrs::open(place.peers_options(system)).await?)).await,
        "disintegrate" => answer(Arc::new(Disintegrate::open(place.peers_options(system)).await?)).await,
        other => Err(format!("there is no system {other}").into()),
    }
}

async fn answer<S: System>(system: Arc<S>) -> Result<(), Failure> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    tell(&Reply::default())?;
    while let Some(line) = lines.next_line().await? {
        let begun = Instant::now();
        let mut reply = match work(&system, serde_json::from_str(&line)?).await {
            Ok(reply) => reply,
            Err(error) => Reply { error: Some(chain(&*error)), ..Reply::default() },
        };
        if reply.seconds == 0.0 {
            reply.seconds = begun.elapsed().as_secs_f64();
        }
        reply.peak = peak()?;
        tell(&reply)?;
    }
    Ok(())
}

/// An error with its causes.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn tell(reply: &Reply) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(reply)?)?;
    Ok(out.flush()?)
}

async fn work<S: System>(system: &Arc<S>, request: Request) -> Result<Reply, Failure> {
    let system = Arc::clone(system);
    match request {
        Request::Prepare => system.prepare().await.map(|()| Reply::default()),
        Request::Append { writers, events, seconds } => {
            let events = u64::from(events);
            load::run(writers, Duration::from_secs_f64(seconds), move |number| {
                let system = Arc::clone(&system);
                async move {
                    let vitals: Vec<Vital> = (number * events..(number + 1) * events).map(Vital::numbered).collect();
                    let chart = vitals.iter().map(|vital| vital.value).fold(Chart::default(), Chart::with);
                    let lost = system.append(Uuid::now_v7(), vitals).await?;
                    Ok(Answer { chart, lost })
                }
            })
            .await
        }
        Request::Load { readers, events, seconds, again } => {
            let (first, streams) =
                if u64::from(events) == LONG { (0, LONG_STREAMS) } else { (LONG_STREAMS, STREAMS - LONG_STREAMS) };
            // Again and again the same ones, each for the first time before it is measured.
            let streams = if again { streams.min(1_000) } else { streams };
            if again {
                for number in first..first + streams {
                    system.load_again(stream(number)).await?;
                }
            }
            load::run(readers, Duration::from_secs_f64(seconds), move |number| {
                let system = Arc::clone(&system);
                async move {
                    // Spread over the seeds: no stream is asked for twice in a row.
                    let number = first + number.wrapping_mul(7_919) % streams;
                    let stream = stream(number);
                    let chart = if again { system.load_again(stream).await? } else { system.load(stream).await? };
                    let wanted = seeded_in(number).map(value).fold(Chart::default(), Chart::with);
                    if chart == wanted {
                        Ok(Answer { chart, lost: 0 })
                    } else {
                        Err(format!("loaded {chart:?} instead of {wanted:?}").into())
                    }
                }
            })
            .await
        }
        Request::Hot { writers, seconds } => {
            let stream = Uuid::now_v7();
            load::run(writers, Duration::from_secs_f64(seconds), move |number| {
                let system = Arc::clone(&system);
                async move {
                    let vital = Vital::numbered(number);
                    let chart = Chart::default().with(vital.value);
                    Ok(Answer { chart, lost: system.contend(stream, vital).await? })
                }
            })
            .await
        }
        Request::Replay => whole(system.replay().await?),
        Request::CatchUp { events } => whole(system.catch_up(i64::try_from(events)?).await?),
        Request::Tail { events } => system.tail(events).await,
    }
}

fn whole(chart: Chart) -> Result<Reply, Failure> {
    Ok(Reply { done: u64::try_from(chart.events)?, chart, ..Reply::default() })
}

/// The most memory that this process ever had resident, in KiB.
fn peak() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.split_whitespace().next().unwrap_or_default().parse()?)
}
