//! Whether the time of a refused log-in tells who has an account (OWASP ASVS 5.0.0, 6.3.8).
//!
//! `login BINARY [PAIRS]` refuses a known and an unknown name in turn, in an order that changes, and ends with an error
//! when the medians are more than a millisecond apart and the two-sample Kolmogorov–Smirnov test tells the two apart at
//! 1 %, or when anything else of the two answers differs. Each pair comes from an address of its own (all of 127.0.0.0/8
//! is this machine), and each account is tried less often than makes the next attempt wait.
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use platform::{Connections, Failure, Platform, connections, folder, print_load, quantiles, send};
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

/// The fifth failure in a row makes the sixth attempt wait.
const TRIES: usize = 4;
const WRONG: &str = "not the password";

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let binary = arguments.next().ok_or("usage: login BINARY [PAIRS]")?;
    let pairs: usize = arguments.next().map_or(Ok(1_000), |text| text.parse())?;

    print_load();
    let folder = folder()?;
    let (platform, _) = Platform::up(&binary, folder.path(), &[], "primero0").await?;
    let accounts = pairs.div_ceil(TRIES);
    for account in 0..accounts {
        let body = json!({"username": known(account), "password": "password2"});
        send(&connections(), &platform.url, "/users", None, &body).await?;
    }
    let (mut of_known, mut of_unknown) = (Vec::new(), Vec::new());
    for pair in 0..pairs {
        let client = from_address(pair)?;
        // The first request of a connection opens it.
        let warm = refuse(&client, &platform.url, &unknown(2 * pair)).await?;
        let (known, unknown) = (known(pair % accounts), unknown(2 * pair + 1));
        // An order that never falls into step (Thue–Morse): threads, for one, take turns.
        let ((had, known_answer), (had_not, unknown_answer)) = if pair.count_ones().is_multiple_of(2) {
            let first = refuse(&client, &platform.url, &known).await?;
            (first, refuse(&client, &platform.url, &unknown).await?)
        } else {
            let first = refuse(&client, &platform.url, &unknown).await?;
            (refuse(&client, &platform.url, &known).await?, first)
        };
        if known_answer != unknown_answer || warm.1 != known_answer {
            return Err(format!("the answers differ: {known_answer} {unknown_answer}").into());
        }
        of_known.push(had);
        of_unknown.push(had_not);
    }
    platform.stop()?;

    println!("{pairs} refused log-ins each; known   {}", quantiles(of_known.clone()));
    println!("                             unknown {}", quantiles(of_unknown.clone()));
    let apart = median(&of_known).abs_diff(median(&of_unknown));
    let (distance, critical) = (distance(&of_known, &of_unknown), 1.628 * (2.0 / pairs as f64).sqrt());
    println!("medians apart: {apart:.1?}; Kolmogorov–Smirnov distance {distance:.4}, at 1 % {critical:.4}");
    if apart > Duration::from_millis(1) && distance > critical {
        return Err("the time of a refused log-in tells who has an account".into());
    }
    Ok(())
}

fn known(number: usize) -> String {
    format!("conocido{number:06}")
}

fn unknown(number: usize) -> String {
    format!("cualquier{number:05}")
}

/// A client at an address of loopback that nobody else has.
fn from_address(number: usize) -> Result<Connections, Failure> {
    let number = u32::try_from(number)?;
    let mut connector = HttpConnector::new();
    connector.set_local_address(Some(IpAddr::V4(Ipv4Addr::from(0x7f01_0000 + number))));
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}

/// How long a refusal took, and what it said besides the ids of the request.
async fn refuse(client: &Connections, url: &str, username: &str) -> Result<(Duration, Value), Failure> {
    let body = json!({"username": username, "password": WRONG});
    let begun = Instant::now();
    let (status, mut answer) = send(client, url, "/login", None, &body).await?;
    let taken = begun.elapsed();
    if status != 401 {
        return Err(format!("{status}: {answer}").into());
    }
    if let Some(fields) = answer.as_object_mut() {
        fields.remove("instance");
    }
    Ok((taken, answer))
}

fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}

/// The largest difference between the two shares of times up to any time.
fn distance(one: &[Duration], other: &[Duration]) -> f64 {
    let share =
        |times: &[Duration], at: Duration| times.iter().filter(|time| **time <= at).count() as f64 / times.len() as f64;
    let apart = |at: &Duration| (share(one, *at) - share(other, *at)).abs();
    one.iter().chain(other).map(apart).fold(0.0, f64::max)
}
