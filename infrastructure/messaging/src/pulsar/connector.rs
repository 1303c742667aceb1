//! A client of the broker, made when it is needed and thrown away when it hangs.
//!
//! The client must not be interrupted while it connects: whoever asks it for the same connection afterwards waits for
//! ever. So each operation runs to its end in a task of its own, also when nobody waits for it any more; what takes too
//! long is given up together with the client.
use super::options::{PulsarOptions, Token};
use ::pulsar::authentication::Authentication;
use ::pulsar::error::{AuthenticationError, ConnectionError, ProducerError, ServiceDiscoveryError};
use ::pulsar::message::proto::ServerError;
use ::pulsar::{ConnectionRetryOptions, Error, OperationRetryOptions, Pulsar, TokioExecutor};
use domain_kernel::Topic;
use domain_kernel::ports::BusError;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::timeout;

pub(super) type Client = Pulsar<TokioExecutor>;

/// How long one request may take, and a message until it is confirmed.
const OPERATION: Duration = Duration::from_secs(8);
/// The pause before a request that the broker was not ready for is made again.
const RETRY_DELAY: Duration = Duration::from_millis(250);
/// How often a request is made again before the failure is told; whoever asked then asks again.
const RETRIES: u32 = 8;
/// How often an idle connection is tried; a dead one is known after this and [`OPERATION`].
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How many messages may wait for the wire; senders wait for room.
const OUTBOUND: usize = 512;
/// When a client, or an operation on it, is taken to hang. Above what all its retries take together.
const GIVEN_UP: Duration = Duration::from_secs(40);
/// The longest reason that is passed on; the broker's may be a whole stack trace.
const REASON: usize = 400;

/// Makes clients with the same options. Clones share the client.
#[derive(Clone)]
pub(super) struct Connector {
    options: Arc<PulsarOptions>,
    certificates: Option<Vec<u8>>,
    current: Arc<Mutex<Option<Client>>>,
    /// Held while a client is made, so that one is made for all who wait.
    making: Arc<tokio::sync::Mutex<()>>,
}

impl Connector {
    pub(super) fn new(options: Arc<PulsarOptions>, certificates: Option<Vec<u8>>) -> Self {
        Self { options, certificates, current: Arc::default(), making: Arc::default() }
    }

    /// Runs `operation` on the client.
    pub(super) async fn run<T, F>(
        &self,
        topic: Topic,
        operation: impl FnOnce(Client) -> F + Send + 'static,
    ) -> Result<T, BusError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let connector = self.clone();
        let task = tokio::spawn(async move { operation(connector.client().await?).await });
        match timeout(GIVEN_UP, task).await {
            Ok(Ok(done)) => done.map_err(|error| bus_error(topic, &error)),
            Ok(Err(died)) => Err(BusError::Unavailable { reason: died.to_string() }),
            Err(_) => {
                self.forget();
                Err(BusError::Unavailable { reason: "the broker does not answer".to_owned() })
            }
        }
    }

    fn current(&self) -> Option<Client> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn forget(&self) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    async fn client(&self) -> Result<Client, Error> {
        let _making = self.making.lock().await;
        if let Some(client) = self.current() {
            return Ok(client);
        }
        let made = timeout(GIVEN_UP / 2, self.make()).await;
        let client = made.map_err(|_| Error::Custom("the broker does not answer".to_owned()))??;
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(client.clone());
        Ok(client)
    }

    async fn make(&self) -> Result<Client, Error> {
        let mut builder = Pulsar::builder(self.options.service_url.clone(), TokioExecutor)
            .with_connection_retry_options(ConnectionRetryOptions {
                min_backoff: Duration::from_millis(100),
                max_backoff: Duration::from_secs(1),
                max_retries: 2,
                connection_timeout: Duration::from_secs(5),
                keep_alive: KEEP_ALIVE,
                ..ConnectionRetryOptions::default()
            })
            .with_operation_retry_options(OperationRetryOptions {
                operation_timeout: OPERATION,
                retry_delay: RETRY_DELAY,
                max_retries: Some(RETRIES),
            })
            .with_outbound_channel_size(OUTBOUND);
        if let Some(token) = &self.options.token {
            builder = builder.with_auth_provider(Box::new(Presented(token.clone())));
        }
        if let Some(certificates) = &self.certificates {
            builder = builder.with_certificate_chain(certificates.clone());
        }
        builder.build().await
    }
}

/// The token, presented for each connection.
struct Presented(Token);

// What `#[async_trait]` would write: the trait is the client's.
impl Authentication for Presented {
    fn auth_method_name(&self) -> String {
        "token".to_owned()
    }

    fn initialize<'life, 'future>(
        &'life mut self,
    ) -> Pin<Box<dyn Future<Output = Result<(), AuthenticationError>> + Send + 'future>>
    where
        'life: 'future,
        Self: 'future,
    {
        Box::pin(async { Ok(()) })
    }

    fn auth_data<'life, 'future>(
        &'life mut self,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<u8>, AuthenticationError>> + Send + 'future>>
    where
        'life: 'future,
        Self: 'future,
    {
        Box::pin(async move {
            match &self.0 {
                Token::Text(token) => Ok(token.trim().as_bytes().to_vec()),
                Token::File(path) => {
                    let unreadable = |_| AuthenticationError::Custom("the token cannot be read".to_owned());
                    let token = tokio::fs::read(path).await.map_err(unreadable)?;
                    Ok(token.trim_ascii().to_vec())
                }
            }
        })
    }
}

/// What `error` means to whoever uses the bus.
pub(super) fn bus_error(topic: Topic, error: &Error) -> BusError {
    let (kind, text) = match error {
        Error::Connection(ConnectionError::PulsarError(kind, text))
        | Error::Producer(ProducerError::Connection(ConnectionError::PulsarError(kind, text)))
        | Error::ServiceDiscovery(ServiceDiscoveryError::Query(kind, text)) => (*kind, text.as_deref()),
        _ => (None, None),
    };
    match (kind, text) {
        (Some(ServerError::IncompatibleSchema), text) => {
            BusError::IncompatibleSchema { topic, reason: first_line(text.unwrap_or("the broker does not say why")) }
        }
        _ => BusError::Unavailable { reason: format!("{topic}: {}", first_line(&error.to_string())) },
    }
}

fn first_line(reason: &str) -> String {
    reason.lines().next().unwrap_or_default().chars().take(REASON).collect()
}

/// An error with what led to it, in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain_kernel::message::topics::EVENT_USER;

    #[test]
    fn a_refused_schema_is_told_with_its_topic_and_without_a_stack_trace() {
        let text = "Incompatible schema: field role\n\tat java.base/java.lang.Thread.run".to_owned();
        let error = Error::Connection(ConnectionError::PulsarError(Some(ServerError::IncompatibleSchema), Some(text)));
        let told = bus_error(EVENT_USER, &error);
        assert_eq!(
            told,
            BusError::IncompatibleSchema { topic: EVENT_USER, reason: "Incompatible schema: field role".to_owned() }
        );
    }

    #[test]
    fn everything_else_may_work_later() {
        let error = Error::Connection(ConnectionError::PulsarError(Some(ServerError::TopicNotFound), None));
        assert!(
            matches!(bus_error(EVENT_USER, &error), BusError::Unavailable { reason } if reason.contains("event-user"))
        );
    }
}
