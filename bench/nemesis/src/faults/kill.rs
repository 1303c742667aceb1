//! F1, F2: processes that are killed or told to go.
use crate::campaign::Campaign;
use crate::stage::GATEWAY;
use platform::Failure;
use std::time::Duration;

/// F1: kill -9 of each service in turn and then of any, at any moment.
pub async fn any_service(campaign: &mut Campaign) -> Result<(), Failure> {
    campaign.load().await;
    let names: Vec<_> = campaign.stage.names().into_iter().filter(|name| *name != GATEWAY).collect();
    let kills = names.len() + campaign.extent.of(2, 20);
    for kill in 0..kills {
        let any = usize::try_from(campaign.random(names.len() as u64))?;
        let name = *names.get(kill).unwrap_or(&names[any]);
        campaign.stage.kill_9(name)?;
        campaign.stage.start(name)?;
        let pause = campaign.extent.of(400, 500) + campaign.random(campaign.extent.of(600, 1_500));
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    campaign.recover(&format!("F1 kill -9 of services, {kills} times")).await
}
