//! F22: read models are folded anew while writes go on, and whoever folds them is killed.
use crate::campaign::Campaign;
use crate::process::{Process, run};
use platform::Failure;
use serde_json::Value;
use std::time::Duration;

/// F22: kill -9 of `replay run all` at random moments; then one is let go on to its end.
pub async fn killed(campaign: &mut Campaign) -> Result<(), Failure> {
    campaign.load().await;
    let kills = campaign.extent.of(3, 12);
    for _ in 0..kills {
        let command = campaign.stage.replay(&["run", "all", "--parallel", "2"]);
        let mut rebuild = Process::start(command, &campaign.stage.log("replay"))?;
        let pause = 100 + campaign.random(900);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        rebuild.kill_9()?;
    }
    let report = run(&mut campaign.stage.replay(&["run", "all", "--parallel", "2"]))?;
    let report: Value = serde_json::from_str(&report)?;
    let projections = report["projections"].as_array().map(Vec::as_slice).unwrap_or_default();
    let resumed = projections.iter().filter(|projection| projection["resumed"].as_u64() > Some(0)).count();
    let verified = campaign.stage.verify()?;
    campaign.recover(&format!("F22 kill -9 of rebuilds, {kills} times")).await?;
    let repeated = campaign.repeated();
    let what = format!(
        "{} read models rebuilt, {resumed} of them from where a killed one was; equal to a fresh fold: {}; requests that \
         failed meanwhile: {repeated}",
        projections.len(),
        verified.is_ok()
    );
    campaign.asked("F22 rebuilt read models", &what, !projections.is_empty() && verified.is_ok() && repeated == 0);
    Ok(())
}
