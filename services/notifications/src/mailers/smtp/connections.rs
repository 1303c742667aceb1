//! Connections to a mail server that are kept for the next mail.
use super::server::{SendError, Server};
use lettre::address::Envelope;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// Connections at most: so many a server takes from one client without thinking ill of it.
const CONNECTIONS: usize = 10;

/// After so long without a mail a connection is not used again: servers wait five minutes (RFC 5321, 4.5.3.2.7), what
/// stands in between often less.
const RESTED: Duration = Duration::from_secs(60);

/// How long a server may take over a mail.
const MAIL_LIMIT: Duration = Duration::from_secs(60);

/// The connections to one server.
pub(super) struct Connections {
    server: Server,
    places: Semaphore,
    resting: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
}

impl Connections {
    pub(super) fn to(server: Server) -> Self {
        Self { server, places: Semaphore::new(CONNECTIONS), resting: Mutex::default() }
    }

    /// Sends a mail.
    pub(super) async fn send(&self, envelope: &Envelope, mail: &[u8]) -> Result<(), SendError> {
        let _place = self.places.acquire().await.map_err(|_closed| SendError::Connection)?;
        let mut connection = match self.rested().await {
            Some(connection) => connection,
            None => self.server.connect().await?,
        };
        match tokio::time::timeout(MAIL_LIMIT, connection.send(envelope, mail)).await {
            Ok(Ok(_taken)) => {
                self.resting().push((connection, Instant::now()));
                Ok(())
            }
            Ok(Err(error)) => Err(error.into()),
            Err(_elapsed) => Err(SendError::Timeout),
        }
    }

    /// A connection that is there already and still answers.
    async fn rested(&self) -> Option<AsyncSmtpConnection> {
        loop {
            let (mut connection, since) = self.resting().pop()?;
            if since.elapsed() < RESTED
                && let Ok(true) = tokio::time::timeout(MAIL_LIMIT, connection.test_connected()).await
            {
                return Some(connection);
            }
        }
    }

    fn resting(&self) -> MutexGuard<'_, Vec<(AsyncSmtpConnection, Instant)>> {
        // Entries are put in and taken out whole.
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
