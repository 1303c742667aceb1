//! The faults, by the rows of the matrix in `docs/nemesis.md`.
mod kill;

use crate::campaign::Campaign;
use platform::Failure;

/// Every row that can be asked for, in the order in which they come.
pub const ROWS: [&str; 1] = ["F1"];

/// Injects everything of `row`.
pub async fn inject(campaign: &mut Campaign, row: &str) -> Result<(), Failure> {
    match row {
        "F1" => kill::any_service(campaign).await,
        _ => Err(format!("there is no row {row}; there are {}", ROWS.join(" ")).into()),
    }
}
