//! How long it takes from the acceptance of a result to its mail, through the whole saga, at a steady rate, on both
//! brokers. Mails are taken by a mail server of this program and matched by the number in their link; the time ends when
//! the server has taken the mail.
//!
//! `saga BINARY [SECONDS [RATE]...]` prints one block per broker and rate. Every accepted result must have its mail.

use platform::mails::MailServer;
use platform::{Failure, Platform, file_results, folder, print_load, quantiles};
use std::time::{Duration, Instant};

/// How long the last mails may take.
const LAST: Duration = Duration::from_secs(120);

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let binary = arguments.next().ok_or("usage: saga BINARY [SECONDS [RATE]...]")?;
    let seconds: u32 = arguments.next().map_or(Ok(20), |text| text.parse())?;
    let mut rates = arguments.map(|text| text.parse()).collect::<Result<Vec<u32>, _>>()?;
    if rates.is_empty() {
        rates = vec![50, 200];
    }
    print_load();
    for broker in ["embedded", "pulsar"] {
        for &rate in &rates {
            measure(&binary, broker, rate, seconds).await?;
        }
    }
    Ok(())
}

/// On a new data directory, so that no figure depends on the one before it.
async fn measure(binary: &str, broker: &str, rate: u32, seconds: u32) -> Result<(), Failure> {
    let (folder, server) = (folder()?, MailServer::start()?);
    let smtp = format!("smtp://{}", server.address);
    let arguments = ["--broker", broker, "--smtp-url", &smtp, "--lang", "en"];
    let (platform, _) = Platform::up(binary, folder.path(), &arguments, "primero0").await?;
    // The first seconds of a new process are no steady load.
    file_results(&platform.url, rate.min(50), 3).await?;
    let (accepted, failed) = file_results(&platform.url, rate, seconds).await?;
    let begun = Instant::now();
    while accepted.iter().any(|result| server.first_about(result.number).is_none()) {
        if begun.elapsed() > LAST {
            let missing = accepted.iter().filter(|result| server.first_about(result.number).is_none()).count();
            return Err(format!("{missing} accepted results have no mail after {LAST:?}").into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    platform.stop()?;
    println!("\n{broker}, {rate}/s for {seconds} s: {} answered 201, {failed} not", accepted.len());
    println!("accept:         {}", quantiles(accepted.iter().map(|result| result.answered - result.due).collect()));
    let mailed = accepted.iter().filter_map(|result| {
        server.first_about(result.number).map(|taken| taken.saturating_duration_since(result.answered))
    });
    println!("accept to mail: {}", quantiles(mailed.collect()));
    Ok(())
}
