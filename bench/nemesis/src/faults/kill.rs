//! F1, F2: processes that are killed or told to go.
use crate::campaign::Campaign;
use crate::stage::GATEWAY;
use platform::Failure;
use std::time::Duration;

/// F1: kill -9 of each service in turn and then of any, at any moment.
pub async fn any_service(campaign: &mut Campaign) -> Result<(), Failure> {
    campaign.load().await;
    // The notifications first: what a killed sender had in hand waits until its lease is over.
    let mut names = vec!["notifications", "results", "saga-log", "users"];
    for _ in 0..campaign.extent.of(0, 16) {
        names.push(names[usize::try_from(campaign.random(4))?]);
    }
    let kills = names.len();
    for name in names {
        campaign.stage.kill_9(name)?;
        campaign.stage.start(name)?;
        let pause = 400 + campaign.random(campaign.extent.of(600, 2_000));
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    campaign.recover(&format!("F1 kill -9 of services, {kills} times")).await
}

/// F2: the gateway, killed with requests in flight and then told to stop.
pub async fn gateway(campaign: &mut Campaign) -> Result<(), Failure> {
    campaign.load().await;
    let kills = campaign.extent.of(2, 8);
    for _ in 0..kills {
        campaign.stage.kill_9(GATEWAY)?;
        campaign.stage.start(GATEWAY)?;
        let pause = 500 + campaign.random(1_000);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    campaign.stage.everybody_ready().await?;
    campaign.recover(&format!("F2 kill -9 of the gateway, {kills} times")).await?;

    campaign.load().await;
    let before = campaign.history.cut_off();
    let ended_well = campaign.stage.terminate(GATEWAY).await?;
    let cut_off = campaign.history.cut_off() - before;
    campaign.stage.start(GATEWAY)?;
    campaign.recover("F2 SIGTERM of the gateway under load").await?;
    let what = format!("it ended well: {ended_well}; requests whose answer was cut off: {cut_off}");
    campaign.asked("F2 the gateway drains", &what, ended_well);
    Ok(())
}
