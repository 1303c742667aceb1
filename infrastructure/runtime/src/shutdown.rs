//! When to stop: the terminal's Ctrl-C, or a supervisor's SIGTERM.
use tokio::signal::unix::{SignalKind, signal};

/// Resolves at the first SIGINT (Ctrl-C) or SIGTERM. From the first call on, neither ends the process by itself.
///
/// # Errors
/// The operating system refuses a signal handler.
pub async fn requested() -> std::io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => tracing::info!("stopping: interrupted"),
        _ = terminate.recv() => tracing::info!("stopping: asked to terminate"),
    }
    Ok(())
}
