//! A read model of a large log is folded anew while results are filed at a steady rate, by a process that is killed at
//! 10, 50 and 90 % and then let go on to its end. No request may fail, every result must be mailed, and what is served
//! in the end must be what a fresh fold gives.
//!
//! `rebuild BINARY [EVENTS [RATE]]` prints what was seen and ends with an error when one of these does not hold.
mod runs;

use platform::mails::MailServer;
use platform::{Accepted, Failure, Platform, file_results, folder, print_load, quantiles};
use runs::{Runs, historia};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The read model with the most rows, each of which several events change.
const PROJECTION: &str = "result_summary";
const KILLED_AT: [u64; 3] = [10, 50, 90];
/// One part of the load; a new one begins, with new log-ins, while the rebuild goes on.
const PART_SECONDS: u32 = 10;
/// How long the last mails may take.
const LAST: Duration = Duration::from_secs(120);

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let binary = arguments.next().ok_or("usage: rebuild BINARY [EVENTS [RATE]]")?;
    let events: u64 = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let rate: u32 = arguments.next().map_or(Ok(200), |text| text.parse())?;
    print_load();

    let (folder, server) = (folder()?, MailServer::start()?);
    let smtp = format!("smtp://{}", server.address);
    let arguments = ["--smtp-url", smtp.as_str(), "--lang", "en"];
    let (platform, _) = Platform::up(&binary, folder.path(), &arguments, "primero0").await?;
    platform.stop()?;
    let loaded = made_up(&binary, folder.path(), events).await?;
    println!("{events} events loaded in {:.1} s", loaded.as_secs_f64());
    let (platform, _) = Platform::up(&binary, folder.path(), &arguments, "primero1").await?;

    let (before, failed_before) = file_results(&platform.url, rate, PART_SECONDS).await?;
    let mut runs = Runs::of(PROJECTION, &binary, folder.path());
    let (during, failed_during) = while_filed(&platform.url, rate, killed_and_resumed(&mut runs)).await?;
    let rebuilt = runs.last().ok_or("no rebuild was finished")?;
    let accepted: Vec<Accepted> = before.iter().chain(&during).copied().collect();
    mailed(&server, &accepted).await?;

    let begun = Instant::now();
    let verified = historia(&binary, folder.path(), &["replay", "verify", "--no-progress"]).await;
    let verified = verified.map(|_| format!("whole, after {:.0} s", begun.elapsed().as_secs_f64()));
    platform.stop()?;

    let (folded, resumed) = (&rebuilt["events"], &rebuilt["resumed"]);
    let seconds = rebuilt["seconds"].as_f64().unwrap_or_default();
    println!("{PROJECTION}: {folded} events in {seconds:.1} s over {} runs;", KILLED_AT.len() + 1);
    println!("  the last run went on after {resumed}; resident memory at most {} MiB", runs.peak_mebibytes());
    for (name, load, failed) in [("before", &before, failed_before), ("during", &during, failed_during)] {
        println!("POST /results at {rate}/s {name}: {} answered 201, {failed} not", load.len());
        println!("  {}", quantiles(load.iter().map(|result| result.answered - result.due).collect()));
    }
    println!("mails: {}", accepted.len());
    println!("replay verify: {}", verified.as_deref().unwrap_or("broken"));
    verified?;
    let went_on = resumed.as_u64() >= Some(events / 100 * KILLED_AT[2]);
    match (failed_before + failed_during, went_on) {
        (0, true) => Ok(()),
        (0, false) => Err("the last run did not go on where the one before was killed".into()),
        (failed, _) => Err(format!("{failed} requests failed").into()),
    }
}

async fn made_up(binary: &str, folder: &Path, events: u64) -> Result<Duration, Failure> {
    let begun = Instant::now();
    historia(binary, folder, &["demo", "load", "--events", &events.to_string(), "--no-progress"]).await?;
    Ok(begun.elapsed())
}

/// Kills a run at the first look that sees each of the shares done, then waits for one.
async fn killed_and_resumed(runs: &mut Runs) -> Result<(), Failure> {
    for share in KILLED_AT {
        let at = runs.kill_at(share).await?;
        println!("killed -9 at {at} events");
    }
    runs.finish().await
}

/// Files results for as long as `work` goes on; those that were accepted, and how many requests failed.
async fn while_filed(
    url: &str,
    rate: u32,
    work: impl Future<Output = Result<(), Failure>>,
) -> Result<(Vec<Accepted>, usize), Failure> {
    let done = AtomicBool::new(false);
    let load = async {
        let (mut accepted, mut failed) = (Vec::new(), 0);
        while !done.load(Ordering::Relaxed) {
            let part = file_results(url, rate, PART_SECONDS).await?;
            accepted.extend(part.0);
            failed += part.1;
        }
        Ok((accepted, failed))
    };
    let work = async {
        let ended = work.await;
        done.store(true, Ordering::Relaxed);
        ended
    };
    let (filed, worked) = tokio::join!(load, work);
    worked?;
    filed
}

/// Waits until every accepted result has its mail.
async fn mailed(server: &MailServer, accepted: &[Accepted]) -> Result<(), Failure> {
    let begun = Instant::now();
    while accepted.iter().any(|result| server.first_about(result.number).is_none()) {
        if begun.elapsed() > LAST {
            let missing = accepted.iter().filter(|result| server.first_about(result.number).is_none()).count();
            return Err(format!("{missing} accepted results have no mail after {LAST:?}").into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
