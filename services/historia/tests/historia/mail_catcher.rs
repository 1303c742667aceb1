//! A mail server that takes everything, unless it is told not to, and remembers which mails it got: SMTP (RFC 5321) as
//! far as a client needs it.
use infra_testkit::tls::Identity;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// How often each mail came, by its `Message-ID`.
type Mails = Arc<Mutex<BTreeMap<String, usize>>>;

/// The running server; its thread ends with the process.
pub(crate) struct MailCatcher {
    pub(crate) address: SocketAddr,
    mails: Mails,
    refusing: Arc<AtomicBool>,
}

impl MailCatcher {
    /// In clear.
    pub(crate) fn start() -> Self {
        Self::speaking(Some)
    }

    /// Over TLS from the first byte (`smtps://`).
    pub(crate) fn start_tls(identity: &Identity) -> Self {
        let chain = vec![CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key);
        let config = Arc::new(config.unwrap());
        Self::speaking(move |stream| {
            let connection = ServerConnection::new(Arc::clone(&config)).ok()?;
            Some(StreamOwned::new(connection, stream))
        })
    }

    fn speaking<S: Read + Write>(as_spoken: impl Fn(TcpStream) -> Option<S> + Clone + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, mails) = (listener.local_addr().unwrap(), Mails::default());
        let refusing = Arc::new(AtomicBool::new(false));
        let (taken, refused) = (Arc::clone(&mails), Arc::clone(&refusing));
        std::thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let (mails, refusing, as_spoken) = (Arc::clone(&taken), Arc::clone(&refused), as_spoken.clone());
                // A client that goes away in between is its own affair.
                std::thread::spawn(move || {
                    as_spoken(connection).map(|connection| converse(connection, &mails, &refusing))
                });
            }
        });
        Self { address, mails, refusing }
    }

    /// From now on refuses every recipient for good, or takes them again.
    pub(crate) fn refuse(&self, refusing: bool) {
        self.refusing.store(refusing, Ordering::SeqCst);
    }

    /// How many different mails came.
    pub(crate) fn count(&self) -> usize {
        self.mails.lock().unwrap().len()
    }
}

fn converse(connection: impl Read + Write, mails: &Mails, refusing: &AtomicBool) -> std::io::Result<()> {
    let mut connection = BufReader::new(connection);
    connection.get_mut().write_all(b"220 ready\r\n")?;
    let (mut in_data, mut id, mut line) = (false, String::new(), String::new());
    while connection.read_line(&mut line)? > 0 {
        let said = std::mem::take(&mut line);
        let said = said.trim_end();
        let answer: &[u8] = match said.split_whitespace().next().unwrap_or_default().to_ascii_uppercase().as_str() {
            "." if in_data => {
                in_data = false;
                *mails.lock().unwrap().entry(std::mem::take(&mut id)).or_default() += 1;
                b"250 taken\r\n"
            }
            "MESSAGE-ID:" if in_data => {
                said.trim().clone_into(&mut id);
                continue;
            }
            _ if in_data => continue,
            "DATA" => {
                in_data = true;
                b"354 go on\r\n"
            }
            "RCPT" if refusing.load(Ordering::SeqCst) => b"550 nobody of that name\r\n",
            "QUIT" => b"221 bye\r\n",
            _ => b"250 ok\r\n",
        };
        connection.get_mut().write_all(answer)?;
        connection.get_mut().flush()?;
    }
    Ok(())
}
