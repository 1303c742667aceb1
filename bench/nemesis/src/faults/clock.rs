//! F20: clocks that jump, by libfaketime, one service at a time; what is measured (timers) does not jump.
use crate::campaign::Campaign;
use crate::stage::{Condition, GATEWAY};
use platform::Failure;
use std::path::Path;
use std::time::Duration;

/// Where Debian's package `libfaketime` puts it, by architecture.
const LIBRARIES: [&str; 2] =
    ["/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1", "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1"];

pub async fn jumps(campaign: &mut Campaign) -> Result<(), Failure> {
    let Some(library) = LIBRARIES.into_iter().find(|path| Path::new(path).exists()) else {
        campaign.skip("F20 clock jumps", "libfaketime is not installed (apt-get install faketime)");
        return Ok(());
    };
    let names: &[&str] =
        campaign.extent.of(&["notifications"], &["notifications", "results", "saga-log", "users", GATEWAY]);
    let seconds = campaign.extent.of(1, 2);
    for name in campaign.stage.names().into_iter().filter(|name| names.contains(name)) {
        let clock = campaign.stage.folder().join(format!("{name}.clock"));
        let set = |offset: &str| std::fs::write(&clock, format!("{offset}\n"));
        set("+0")?;
        let environment = [
            ("LD_PRELOAD", library),
            ("FAKETIME_TIMESTAMP_FILE", &clock.display().to_string()),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        campaign.stage.start_again(name, Condition { environment, files: None })?;
        campaign.stage.everybody_ready().await?;
        campaign.load().await;
        for offset in ["+3600", "-300", "-3600", "+300"] {
            set(offset)?;
            tokio::time::sleep(Duration::from_secs(seconds)).await;
        }
        set("+0")?;
        campaign.recover(&format!("F20 clock of {name}: +1 h, -5 min, -1 h, +5 min")).await?;
        campaign.stage.start_again(name, Condition::default())?;
        campaign.stage.everybody_ready().await?;
    }
    Ok(())
}
