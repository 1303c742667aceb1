//! F12: the broker dies, stands still, comes back.
use crate::campaign::Campaign;
use nix::sys::signal::Signal;
use platform::Failure;
use std::time::{Duration, Instant};

/// How long the first result may take that is taken without a broker, on a busy machine.
const TAKEN: Duration = Duration::from_secs(60);

pub async fn broker(campaign: &mut Campaign) -> Result<(), Failure> {
    for again in 0..campaign.extent.of(1, 2) {
        campaign.load().await;
        campaign.stage.broker.kill_9()?;
        // Nobody needs the broker to have a result taken.
        let (before, begun) = (campaign.acknowledged(), Instant::now());
        let mut meanwhile = 0;
        while begun.elapsed() < Duration::from_secs(campaign.extent.of(2, 5))
            || meanwhile == 0 && begun.elapsed() < TAKEN
        {
            tokio::time::sleep(Duration::from_millis(100)).await;
            meanwhile = campaign.acknowledged() - before;
        }
        campaign.stage.broker.ensure_running().await?;
        campaign.recover("F12 kill -9 of the broker, restart with data").await?;
        if again == 0 {
            let what = format!("{meanwhile} results were acknowledged meanwhile");
            campaign.asked("F12 results are taken without a broker", &what, meanwhile > 0);
        }
    }
    if campaign.extent.short {
        return Ok(());
    }
    let seconds = 20;
    campaign.load().await;
    campaign.stage.broker.signal(Signal::SIGSTOP)?;
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    campaign.stage.broker.signal(Signal::SIGCONT)?;
    campaign.recover(&format!("F12 broker frozen for {seconds} s")).await
}
