//! F11, F13: the ways between processes are cut, reset, one-way, slow.
use crate::campaign::Campaign;
use crate::proxy::Network;
use platform::Failure;
use std::time::Duration;

/// Between whom.
#[derive(Clone, Copy)]
enum Way {
    Broker,
    Database,
    Gateway,
}

impl Way {
    const ALL: [Self; 3] = [Self::Broker, Self::Database, Self::Gateway];

    fn name(self) -> &'static str {
        match self {
            Self::Broker => "services and broker",
            Self::Database => "services and PostgreSQL",
            Self::Gateway => "gateway and services",
        }
    }

    fn set(self, campaign: &Campaign, network: Network) {
        match self {
            Self::Broker => campaign.stage.to_broker.set(network),
            Self::Database => campaign.stage.to_database.values().for_each(|link| link.set(network)),
            Self::Gateway => campaign.stage.to_service.values().for_each(|link| link.set(network)),
        }
    }
}

const BLACK_HOLE: (&str, Network) = ("black hole", Network::BlackHole);
const RESET: (&str, Network) = ("reset", Network::Reset);
const ONE_WAY: (&str, Network) = ("one-way", Network::OneWay);
const SLOW: (&str, Network) = ("300 ms more", Network::Delay(Duration::from_millis(300)));
const CUT: (&str, Network) = ("cut after 2,000 bytes", Network::CloseAfter(2_000));

/// F13: every way, every fault.
pub async fn partitions(campaign: &mut Campaign) -> Result<(), Failure> {
    for way in Way::ALL {
        let rounds: Vec<Vec<((&str, Network), u64)>> = if campaign.extent.short {
            // One after the other under one load.
            vec![vec![(BLACK_HOLE, 2), (RESET, 1), (ONE_WAY, 1), (CUT, 1)]]
        } else {
            let long = if matches!(way, Way::Broker) { 30 } else { 15 };
            [(BLACK_HOLE, 4), (RESET, 4), (ONE_WAY, 4), (SLOW, 4), (CUT, 4), (BLACK_HOLE, long)]
                .map(|one| vec![one])
                .into()
        };
        for round in rounds {
            campaign.load().await;
            for ((_, network), seconds) in &round {
                way.set(campaign, *network);
                tokio::time::sleep(Duration::from_secs(*seconds)).await;
            }
            way.set(campaign, Network::Whole);
            let what = match round.as_slice() {
                [((name, _), seconds)] => format!("{name} for {seconds} s"),
                _ => "each fault".to_owned(),
            };
            campaign.recover(&format!("F13 {}: {what}", way.name())).await?;
        }
    }
    Ok(())
}

/// F11: a database that answers late.
pub async fn slow_database(campaign: &mut Campaign) -> Result<(), Failure> {
    let (delay, seconds) = campaign.extent.of((500, 2), (2_000, 15));
    campaign.load().await;
    Way::Database.set(campaign, Network::Delay(Duration::from_millis(delay)));
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    Way::Database.set(campaign, Network::Whole);
    campaign.recover(&format!("F11 PostgreSQL {delay} ms later for {seconds} s")).await
}
