//! F10: PostgreSQL's disk is full. Its directory is a small file system of its own, whose size is taken away and given
//! back.
use crate::campaign::Campaign;
use crate::process::run;
use platform::Failure;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Enough for a run.
const SIZE: &str = "2g";
/// How long it is tried to take the room away from a server that is writing.
const FILL: Duration = Duration::from_secs(20);
/// Set by `nemesis.sh` where mounts are this run's own and end with it.
const ALONE: &str = "NEMESIS_ALONE";

/// Makes `directory` a small file system, where that leaves nothing behind; whether it is one.
pub fn mount(directory: &Path) -> Result<bool, Failure> {
    if std::env::var_os(ALONE).is_none_or(|value| value.is_empty()) {
        return Ok(false);
    }
    std::fs::create_dir_all(directory)?;
    let size = format!("size={SIZE},mode=0700");
    run(Command::new("mount").args(["-t", "tmpfs", "-o", &size, "nemesis"]).arg(directory))?;
    Ok(true)
}

/// Undoes [`mount`] in the run's `folder`, whose servers have ended; nothing happens where nothing is mounted.
pub fn unmount(folder: &Path) {
    let _ = run(Command::new("umount").args(["--lazy", "--quiet"]).arg(folder.join("postgres")));
}

fn resize(directory: &Path, size: &str) -> Result<(), Failure> {
    run(Command::new("mount").args(["-o", &format!("remount,size={size}")]).arg(directory)).map(drop)
}

/// Leaves next to no room.
fn fill(directory: &Path) -> Result<(), Failure> {
    let begun = Instant::now();
    loop {
        match resize(directory, &format!("{}k", used(directory)? + 256)) {
            // More was written between the two.
            Err(_) if begun.elapsed() < FILL => {}
            filled => return filled,
        }
    }
}

/// What is in use, in KiB.
fn used(directory: &Path) -> Result<u64, Failure> {
    let said = run(Command::new("df").args(["--output=used", "-k"]).arg(directory))?;
    Ok(said.lines().last().unwrap_or_default().trim().parse()?)
}

pub async fn full(campaign: &mut Campaign) -> Result<(), Failure> {
    if !campaign.stage.disk_is_small {
        campaign.skip("F10 disk full", "mounts of its own need root and namespaces (bench/nemesis.sh makes them)");
        return Ok(());
    }
    let directory = campaign.stage.postgres.directory().to_owned();
    // In the short selection only that from which PostgreSQL recovers in place.
    let rounds = campaign.extent.of(&[("tables", 0)][..], &[("tables", 0), ("tables and write-ahead log", 40)]);
    for &(what, switches) in rounds {
        campaign.load().await;
        let seconds = campaign.extent.of(2, 15);
        fill(&directory)?;
        for _ in 0..switches {
            // The next segment of the log has no room either; the server may be down already.
            let _ = campaign.stage.postgres.query_once("historia_results", "select pg_switch_wal()");
        }
        let before = campaign.acknowledged();
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let meanwhile = campaign.acknowledged() - before;
        resize(&directory, SIZE)?;
        campaign.recover(&format!("F10 disk full ({what}) for {seconds} s, {meanwhile} taken")).await?;
    }
    Ok(())
}
