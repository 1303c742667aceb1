//! F3: services that stand still and go on, with everything that they had in hand.
use crate::campaign::Campaign;
use crate::stage::GATEWAY;
use nix::sys::signal::Signal;
use platform::Failure;
use std::time::Duration;

/// F3: SIGSTOP, SIGCONT.
pub async fn services(campaign: &mut Campaign) -> Result<(), Failure> {
    let all = ["results", "notifications", "saga-log", "users", GATEWAY];
    let rounds: &[(&[&str], u64)] = campaign.extent.of(
        &[(&["results", "notifications"], 5)],
        &[
            (&["results"], 5),
            (&["notifications"], 15),
            (&["saga-log"], 15),
            (&["users", GATEWAY], 5),
            (&["notifications"], 60),
        ],
    );
    for (names, seconds) in rounds {
        let names: Vec<&'static str> = all.into_iter().filter(|name| names.contains(name)).collect();
        campaign.load().await;
        for name in &names {
            campaign.stage.signal(name, Signal::SIGSTOP)?;
        }
        tokio::time::sleep(Duration::from_secs(*seconds)).await;
        for name in &names {
            campaign.stage.signal(name, Signal::SIGCONT)?;
        }
        campaign.recover(&format!("F3 {} frozen for {seconds} s", names.join(", "))).await?;
    }
    Ok(())
}
