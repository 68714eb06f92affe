//! SIGTERM and Ctrl-C: the first asks for a stop in good order, the second ends the process at once.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::Failure;

/// As a shell reports a process that Ctrl-C has ended.
const EXIT_INTERRUPTED: i32 = 130;

/// A token that the first signal cancels.
pub(super) fn stop() -> Result<CancellationToken, Failure> {
    let listen =
        |kind| signal(kind).map_err(|fault| Failure::Failed(format!("cannot listen for signals: {fault}")));
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    let stop = CancellationToken::new();
    let asked = stop.clone();
    tokio::spawn(async move {
        either(&mut terminate, &mut interrupt).await;
        tracing::info!("stopping; a second signal ends at once");
        asked.cancel();
        either(&mut terminate, &mut interrupt).await;
        // What is under way is decided by recovery at the next start.
        std::process::exit(EXIT_INTERRUPTED);
    });
    Ok(stop)
}

async fn either(first: &mut Signal, second: &mut Signal) {
    tokio::select! {
        _ = first.recv() => {}
        _ = second.recv() => {}
    }
}
