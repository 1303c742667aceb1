//! How soon `historia up` answers its first 201, on an empty and on an existing data directory, and how quickly
//! `POST /results` is answered at a steady rate.
//!
//! `latency BINARY [RATE [SECONDS]]` prints one line per figure.
use platform::{Failure, Platform, file_results, folder, print_load, quantiles};

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let binary = arguments.next().ok_or("usage: latency BINARY [RATE [SECONDS]]")?;
    let rate: u32 = arguments.next().map_or(Ok(100), |text| text.parse())?;
    let seconds: u32 = arguments.next().map_or(Ok(30), |text| text.parse())?;

    print_load();
    let folder = folder()?;
    let (platform, first) = Platform::up(&binary, folder.path(), &[], "primero0").await?;
    println!("first 201 on an empty data directory:     {first:.2?}");
    platform.stop()?;
    let (platform, again) = Platform::up(&binary, folder.path(), &[], "primero1").await?;
    println!("first 201 on an existing data directory:  {again:.2?}");

    let (accepted, failed) = file_results(&platform.url, rate, seconds).await?;
    platform.stop()?;
    println!("POST /results at {rate}/s for {seconds} s: {} answered 201, {failed} not", accepted.len());
    println!("{}", quantiles(accepted.iter().map(|result| result.answered - result.due).collect()));
    Ok(())
}
