//! The faults, by the rows of the matrix in `docs/nemesis.md`.
mod broker;
mod clock;
mod crowd;
pub mod disk;
mod freeze;
mod kill;
pub mod messages;
mod network;
mod rebuild;
mod replay;
mod sealed;

use crate::campaign::Campaign;
use platform::Failure;

/// Every row that can be asked for, in the order in which they come.
pub const ROWS: [&str; 14] =
    ["F1", "F2", "F3", "F10", "F11", "F12", "F13", "F16", "F17", "F18", "F20", "F21", "F22", "F23"];

/// Injects everything of `row`.
pub async fn inject(campaign: &mut Campaign, row: &str) -> Result<(), Failure> {
    match row {
        "F1" => kill::any_service(campaign).await,
        "F2" => kill::gateway(campaign).await,
        "F3" => freeze::services(campaign).await,
        "F10" => disk::full(campaign).await,
        "F11" => network::slow_database(campaign).await,
        "F12" => broker::broker(campaign).await,
        "F13" => network::partitions(campaign).await,
        "F16" => messages::again(campaign).await,
        "F17" => messages::poison(campaign).await,
        "F18" => sealed::changed_behind_its_back(campaign).await,
        "F20" => clock::jumps(campaign).await,
        "F21" => replay::attacks(campaign).await,
        "F22" => rebuild::killed(campaign).await,
        "F23" => crowd::exhaustion(campaign).await,
        _ => Err(format!("there is no row {row}").into()),
    }
}
