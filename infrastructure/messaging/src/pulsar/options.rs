//! Where the broker is, and who we are to it.
use std::fmt;
use std::path::PathBuf;

/// Where the broker is, and who we are to it.
#[derive(Clone, Debug)]
pub struct PulsarOptions {
    /// `pulsar://host:6650`, or `pulsar+ssl://host:6651`.
    pub service_url: String,
    /// The tenant of the topics.
    pub tenant: String,
    /// The namespace of the topics, without its tenant.
    pub namespace: String,
    /// Who we are; without one the broker must let everybody in.
    pub token: Option<Token>,
    /// A file with the certificates (PEM) of authorities that are trusted beside the public ones.
    pub certificates: Option<PathBuf>,
}

/// A JWT by which the broker knows a service.
#[derive(Clone)]
pub enum Token {
    /// The token itself.
    Text(String),
    /// The file that has it, read again for every connection, so that it can be renewed.
    File(PathBuf),
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text(redacted)"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}

/// Why no connection can be made with these options.
#[derive(Debug, thiserror::Error)]
pub enum PulsarOptionsError {
    /// The address is not one of Pulsar's.
    #[error("the broker's address must begin with pulsar:// or pulsar+ssl:// and name a host")]
    ServiceUrl,
    /// Tenant and namespace are words.
    #[error("{0} must be one word of letters, digits, -, _ and .")]
    Name(&'static str),
    /// A file cannot be read.
    #[error("the broker's {what} cannot be read from {path}")]
    File {
        /// What it holds.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

impl PulsarOptions {
    /// The platform's own names, without token and certificates.
    #[must_use]
    pub fn new(service_url: impl Into<String>) -> Self {
        Self {
            service_url: service_url.into(),
            tenant: "historia".to_owned(),
            namespace: "clinic".to_owned(),
            token: None,
            certificates: None,
        }
    }

    /// The full name of a topic.
    pub(super) fn full_name(&self, topic: &str) -> String {
        format!("persistent://{}/{}/{topic}", self.tenant, self.namespace)
    }

    /// Finds what no waiting would mend; returns the certificates.
    pub(super) async fn verify(&self) -> Result<Option<Vec<u8>>, PulsarOptionsError> {
        let rest = ["pulsar://", "pulsar+ssl://"].iter().find_map(|scheme| self.service_url.strip_prefix(scheme));
        let host = rest.and_then(|rest| rest.split([':', '/']).next());
        if host.is_none_or(str::is_empty) {
            return Err(PulsarOptionsError::ServiceUrl);
        }
        for (what, name) in [("the tenant", &self.tenant), ("the namespace", &self.namespace)] {
            let word = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            if name.is_empty() || !name.bytes().all(word) {
                return Err(PulsarOptionsError::Name(what));
            }
        }
        if let Some(Token::File(path)) = &self.token {
            read("token", path).await?;
        }
        match &self.certificates {
            Some(path) => read("authorities' certificates", path).await.map(Some),
            None => Ok(None),
        }
    }
}

async fn read(what: &'static str, path: &PathBuf) -> Result<Vec<u8>, PulsarOptionsError> {
    tokio::fs::read(path).await.map_err(|source| PulsarOptionsError::File { what, path: path.clone(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn refused(change: impl FnOnce(&mut PulsarOptions)) -> String {
        let mut options = PulsarOptions::new("pulsar://localhost:6650");
        change(&mut options);
        options.verify().await.expect_err("it is refused").to_string()
    }

    #[tokio::test]
    async fn an_address_that_is_not_pulsars_is_refused() {
        for url in ["http://localhost:8080", "localhost:6650", "pulsar://", "pulsar://:6650", ""] {
            assert!(refused(|options| options.service_url = url.to_owned()).await.contains("pulsar://"), "{url}");
        }
        for url in ["pulsar://localhost:6650", "pulsar+ssl://broker.example"] {
            assert!(PulsarOptions::new(url).verify().await.is_ok(), "{url}");
        }
    }

    #[tokio::test]
    async fn a_name_that_would_be_another_topic_is_refused() {
        assert!(refused(|options| options.tenant = "historia/clinic".to_owned()).await.contains("tenant"));
        assert!(refused(|options| options.namespace = String::new()).await.contains("namespace"));
    }

    #[tokio::test]
    async fn a_file_that_is_not_there_is_named() {
        let missing = PathBuf::from("/nonexistent/token");
        assert!(refused(|options| options.token = Some(Token::File(missing.clone()))).await.contains("/nonexistent"));
        assert!(refused(|options| options.certificates = Some(missing.clone())).await.contains("/nonexistent"));
    }

    #[test]
    fn a_token_is_not_shown() {
        let options = PulsarOptions { token: Some(Token::Text("secret".to_owned())), ..PulsarOptions::new("x") };
        assert!(!format!("{options:?}").contains("secret"));
    }
}
