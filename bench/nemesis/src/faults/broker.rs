//! F12: the broker dies, stands still, comes back.
use crate::campaign::Campaign;
use nix::sys::signal::Signal;
use platform::Failure;
use std::time::Duration;

pub async fn broker(campaign: &mut Campaign) -> Result<(), Failure> {
    for again in 0..campaign.extent.of(1, 2) {
        campaign.load().await;
        campaign.stage.broker.kill_9()?;
        // Nobody needs the broker to have a result taken.
        let before = campaign.acknowledged();
        tokio::time::sleep(Duration::from_secs(campaign.extent.of(2, 5))).await;
        let meanwhile = campaign.acknowledged() - before;
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
