//! A mail server: its address, and connections to it.
//!
//! The connections are our own, because the library's hold the end of every mail back until its beginning is
//! acknowledged, which takes a server 40 ms (Nagle's algorithm and delayed acknowledgements, RFC 1122, 4.2.3).
use super::super::MailSettingError;
use axum::http::Uri;
use axum::http::uri::Authority;
use infra_runtime::outgoing::{Outgoing, Trust};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream, Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How long a connection may take, with its greeting, TLS and authentication.
const CONNECT_LIMIT: Duration = Duration::from_secs(15);

/// How a server wants to be spoken to, and where it is.
pub(super) struct Server {
    /// For [`Outgoing`]: `https` stands for TLS from the start.
    address: Uri,
    later: Option<StartTls>,
    login: Option<Credentials>,
    name: ClientId,
    outgoing: Outgoing,
}

/// TLS after the greeting.
struct StartTls {
    parameters: TlsParameters,
    /// Whether nothing is said without it.
    demanded: bool,
}

/// Why a mail was not sent.
#[derive(Debug)]
pub(super) enum SendError {
    /// There is no connection, or it broke.
    Connection,
    /// The server cannot prove who it is.
    Tls,
    /// The server takes too long.
    Timeout,
    /// The server said no, or something that nobody understands.
    Smtp(SmtpError),
}

impl From<SmtpError> for SendError {
    fn from(error: SmtpError) -> Self {
        Self::Smtp(error)
    }
}

impl Server {
    /// The server at `url`; of authorities whose certificates (PEM) are given, or of public ones.
    pub(super) fn new(authorities: &[u8], url: &str) -> Result<Self, MailSettingError> {
        let url: Uri = url.parse().map_err(|_| MailSettingError::Server)?;
        let host = url.host().ok_or(MailSettingError::Server)?;
        let asked = url.query().and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("tls=")));
        let (scheme, port, later) = match (url.scheme_str(), asked) {
            (Some("smtps"), _) => ("https", 465, None),
            (Some("smtp"), None) => ("http", 25, None),
            (Some("smtp"), Some(way @ ("required" | "opportunistic"))) => {
                let parameters = parameters(authorities, host.trim_matches(['[', ']']))?;
                ("http", 587, Some(StartTls { parameters, demanded: way == "required" }))
            }
            _ => return Err(MailSettingError::Server),
        };
        let port = url.port_u16().unwrap_or(port);
        let address = format!("{scheme}://{host}:{port}").parse().map_err(|_| MailSettingError::Server)?;
        let trust = if authorities.is_empty() { Trust::public() } else { Trust::with_authority(authorities) };
        Ok(Self {
            address,
            later,
            login: login(&url)?,
            name: match url.path().trim_matches('/') {
                "" => ClientId::default(),
                name => ClientId::Domain(name.to_owned()),
            },
            outgoing: Outgoing::new(trust.map_err(|_| MailSettingError::Authority)?, CONNECT_LIMIT),
        })
    }

    /// A connection that is ready to take a mail.
    pub(super) async fn connect(&self) -> Result<AsyncSmtpConnection, SendError> {
        match tokio::time::timeout(CONNECT_LIMIT, self.greet()).await {
            Ok(connected) => connected,
            Err(_elapsed) => Err(SendError::Timeout),
        }
    }

    async fn greet(&self) -> Result<AsyncSmtpConnection, SendError> {
        let stream = self.outgoing.connect(self.address.clone()).await.map_err(|error| {
            let of_tls =
                error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::InvalidData);
            if of_tls { SendError::Tls } else { SendError::Connection }
        })?;
        let mut connection = AsyncSmtpConnection::connect_with_transport(Box::new(Socket(stream)), &self.name).await?;
        if let Some(StartTls { parameters, demanded }) = &self.later
            && (*demanded || connection.can_starttls())
        {
            connection.starttls(parameters.clone(), &self.name).await?;
        }
        if let Some(login) = &self.login {
            connection.auth(DEFAULT_MECHANISMS, login).await?;
        }
        Ok(connection)
    }
}

fn parameters(authorities: &[u8], host: &str) -> Result<TlsParameters, MailSettingError> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if !authorities.is_empty() {
        let believed = Certificate::from_pem(authorities).map_err(|_| MailSettingError::Authority)?;
        builder = builder.add_root_certificate(believed);
    }
    builder.build_rustls().map_err(|_| MailSettingError::Authority)
}

/// Name and password before the host, each with `%` for what an address has no place for.
fn login(url: &Uri) -> Result<Option<Credentials>, MailSettingError> {
    let authority = url.authority().map(Authority::as_str).unwrap_or_default();
    let Some((name, password)) = authority.rsplit_once('@').and_then(|(login, _)| login.split_once(':')) else {
        return Ok(None);
    };
    let decoded =
        |text: &str| percent_decode_str(text).decode_utf8().map(Cow::into_owned).map_err(|_| MailSettingError::Server);
    Ok(Some(Credentials::new(decoded(name)?, decoded(password)?)))
}

/// A stream as the library wants it.
#[derive(Debug)]
struct Socket<S>(S);

impl<S> AsyncTokioStream for Socket<S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + Sync + std::fmt::Debug,
{
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        // Whoever connected knows whom; the library never asks.
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Socket<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Socket<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().0).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(url: &str) -> Server {
        Server::new(b"", url).unwrap()
    }

    #[test]
    fn the_address_says_how_the_server_is_spoken_to() {
        let way = |url: &str| {
            let server = server(url);
            (server.address.to_string(), server.later.map(|later| later.demanded))
        };
        assert_eq!(way("smtps://user:password@mail.example"), ("https://mail.example:465/".into(), None));
        assert_eq!(way("smtps://mail.example:4650"), ("https://mail.example:4650/".into(), None));
        assert_eq!(way("smtp://[::1]?tls=required"), ("http://[::1]:587/".into(), Some(true)));
        assert_eq!(way("smtp://mail.example:25?tls=opportunistic"), ("http://mail.example:25/".into(), Some(false)));
        assert_eq!(way("smtp://mail.example"), ("http://mail.example:25/".into(), None));
        assert_eq!(way("smtp://user:tls=required@mail.example"), ("http://mail.example:25/".into(), None));
        for wrong in ["smtp://mail.example?tls=sometimes", "http://mail.example", "mail.example:25", "smtp:///x"] {
            assert!(matches!(Server::new(b"", wrong), Err(MailSettingError::Server)), "{wrong}");
        }
    }

    #[test]
    fn name_password_and_greeting_are_read_from_the_address() {
        let of = |url: &str| (server(url).login, server(url).name);
        let login = |name: &str, password: &str| Some(Credentials::new(name.into(), password.into()));
        assert_eq!(of("smtp://ana%40lab:p%3Aq@mail.example/lab.test").0, login("ana@lab", "p:q"));
        assert_eq!(of("smtp://ana%40lab:p%3Aq@mail.example/lab.test").1, ClientId::Domain("lab.test".into()));
        assert_eq!(of("smtp://mail.example").0, None);
    }

    #[test]
    fn an_authority_that_is_none_is_refused() {
        let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for url in ["smtps://mail.example", "smtp://mail.example?tls=required", "smtp://mail.example"] {
            assert!(matches!(Server::new(broken, url), Err(MailSettingError::Authority)), "{url}");
        }
    }
}
