//! Services that run alone: their settings, each from a flag or a variable. What is confidential is in files.
use super::broker_url;
use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;

/// What every process of the platform is told.
#[derive(Args, Clone, Debug)]
pub(crate) struct ProcessArgs {
    /// Which rules of safety hold: demo or production
    #[arg(long, env = "HISTORIA_PROFILE", default_value = "production", value_parser = ["demo", "production"])]
    pub profile: String,
    /// Address and port to listen on [default: the service's port, on every interface in production and on 127.0.0.1 in
    /// the demo]
    #[arg(long, env = "HISTORIA_LISTEN", value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// The directory with this service's secrets, as `secrets create` makes it; nothing is ever made in it
    #[arg(long, env = "HISTORIA_SECRETS_DIR", value_name = "DIR")]
    pub secrets_dir: PathBuf,
}

/// The service's own database, and that of the keys.
#[derive(Args, Clone, Debug)]
pub(crate) struct DatabaseArgs {
    /// This service's database, as its own role, such as `postgres://historia_users@host/historia_users`
    #[arg(long, env = "HISTORIA_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: String,
    /// The file that holds the role's password; without it, `database-<service>` in the secrets directory if it is
    /// there
    #[arg(long, env = "HISTORIA_DATABASE_PASSWORD_FILE", value_name = "FILE")]
    pub database_password_file: Option<PathBuf>,
    /// The database of the keys, such as `postgres://historia_keys@host/historia_keys`; not for the saga log
    #[arg(long, env = "HISTORIA_KEYS_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub keys_database_url: Option<String>,
    /// The file that holds that role's password; without it, `database-keys` in the secrets directory if it is there
    #[arg(long, env = "HISTORIA_KEYS_DATABASE_PASSWORD_FILE", value_name = "FILE")]
    pub keys_database_password_file: Option<PathBuf>,
}

/// Where in the broker the topics are, and who may use it.
#[derive(Args, Clone, Debug)]
pub(crate) struct PlaceArgs {
    /// The topics' tenant
    #[arg(long, env = "HISTORIA_BROKER_TENANT", default_value = "historia", value_name = "NAME")]
    pub broker_tenant: String,
    /// The topics' namespace
    #[arg(long, env = "HISTORIA_BROKER_NAMESPACE", default_value = "clinic", value_name = "NAME")]
    pub broker_namespace: String,
    /// The file that holds the token to show the broker
    #[arg(long, env = "HISTORIA_BROKER_TOKEN_FILE", value_name = "FILE")]
    pub broker_token_file: Option<PathBuf>,
    /// The certificate (PEM) that the broker's own is signed with, for pulsar+ssl:// and https://
    #[arg(long, env = "HISTORIA_BROKER_CERTIFICATE_FILE", value_name = "FILE")]
    pub broker_certificate_file: Option<PathBuf>,
}

/// The broker.
#[derive(Args, Clone, Debug)]
pub(crate) struct BrokerArgs {
    /// The broker's address, such as `pulsar://host:6650` or `pulsar+ssl://host:6651`
    #[arg(long, env = "HISTORIA_BROKER", value_name = "URL", value_parser = broker_url)]
    pub broker: String,
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// Whom a service believes.
#[derive(Args, Clone, Debug)]
pub(crate) struct GatewayKeysArgs {
    /// The gateway's public key: a file, or an address such as `http://bff:8080/.well-known/gateway-jwks.json`; asked
    /// for until it is there, and again now and then
    #[arg(long, env = "HISTORIA_GATEWAY_JWKS", value_name = "FILE|URL")]
    pub gateway_jwks: String,
}

/// A service that runs alone.
#[derive(Args, Clone, Debug)]
pub(crate) struct ServiceArgs {
    #[command(flatten)]
    pub process: ProcessArgs,
    #[command(flatten)]
    pub database: DatabaseArgs,
    #[command(flatten)]
    pub broker: BrokerArgs,
    #[command(flatten)]
    pub gateway: GatewayKeysArgs,
}

/// The users service.
#[derive(Args, Clone, Debug)]
pub(crate) struct UsersArgs {
    #[command(flatten)]
    pub service: ServiceArgs,
    /// The name of the first administrator, whose password is in `administrator-password` in the secrets directory;
    /// made at the first start, if that file is there
    #[arg(long, env = "HISTORIA_ADMINISTRATOR", default_value = "admin", value_name = "NAME")]
    pub administrator: String,
}

/// Mails.
#[derive(Args, Clone, Debug)]
pub(crate) struct MailArgs {
    /// The mail server, such as `smtp://mail:1025`
    #[arg(long, env = "HISTORIA_SMTP_URL", value_name = "URL", hide_env_values = true)]
    pub smtp_url: Option<String>,
    /// The file that holds that address, when there is a password in it; wins over the address itself
    #[arg(long, env = "HISTORIA_SMTP_URL_FILE", value_name = "FILE")]
    pub smtp_url_file: Option<PathBuf>,
    /// The certificate (PEM) of an authority that is believed beside the public ones when it signed the mail server's
    #[arg(long, env = "HISTORIA_SMTP_CERTIFICATE_FILE", value_name = "FILE")]
    pub smtp_certificate_file: Option<PathBuf>,
    /// The sender of mails
    #[arg(long, env = "HISTORIA_MAIL_FROM", default_value = "Historia <no-reply@lab.local>", value_name = "ADDRESS")]
    pub mail_from: String,
    /// A directory for mails instead of a mail server, shown at /mailbox; in the demo alone
    #[arg(long, env = "HISTORIA_MAILBOX_DIR", value_name = "DIR")]
    pub mailbox_dir: Option<PathBuf>,
    /// Language of mails and pages
    #[arg(long, env = "HISTORIA_LANG", default_value = "es", value_parser = ["es", "en"])]
    pub lang: String,
}

/// The notifications service.
#[derive(Args, Clone, Debug)]
pub(crate) struct NotificationsArgs {
    #[command(flatten)]
    pub service: ServiceArgs,
    #[command(flatten)]
    pub mail: MailArgs,
    /// The gateway's address as people see it; links in mails begin with it
    #[arg(long, env = "HISTORIA_PUBLIC_URL", value_name = "URL")]
    pub public_url: String,
}

/// What a user may ask for.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct RateArgs {
    /// POST and other writing requests a minute and user
    #[arg(long, env = "HISTORIA_RATE_POST", default_value_t = 600, value_name = "N")]
    pub rate_post: u32,
    /// GET requests a minute and user
    #[arg(long, env = "HISTORIA_RATE_GET", default_value_t = 1200, value_name = "N")]
    pub rate_get: u32,
    /// Requests of any kind a minute and user
    #[arg(long, env = "HISTORIA_RATE_ALL", default_value_t = 1500, value_name = "N")]
    pub rate_all: u32,
}

/// The gateway.
#[derive(Args, Clone, Debug)]
pub(crate) struct GatewayArgs {
    #[command(flatten)]
    pub process: ProcessArgs,
    /// Address and port for probes and for services that fetch the gateway's public key, in clear; never published
    #[arg(long, env = "HISTORIA_INTERNAL_LISTEN", value_name = "ADDRESS:PORT")]
    pub internal_listen: Option<SocketAddr>,
    /// The users service, such as `http://users:7001`
    #[arg(long, env = "HISTORIA_USERS_URL", value_name = "URL")]
    pub users_url: String,
    /// The results service
    #[arg(long, env = "HISTORIA_RESULTS_URL", value_name = "URL")]
    pub results_url: String,
    /// The notifications service
    #[arg(long, env = "HISTORIA_NOTIFICATIONS_URL", value_name = "URL")]
    pub notifications_url: String,
    /// The saga log
    #[arg(long, env = "HISTORIA_SAGA_LOG_URL", value_name = "URL")]
    pub saga_log_url: String,
    /// The public keys of users' tokens: a file or an address [default: the users service is asked]
    #[arg(long, env = "HISTORIA_USERS_JWKS", value_name = "FILE|URL")]
    pub users_jwks: Option<String>,
    /// The gateway's address as people see it
    #[arg(long, env = "HISTORIA_PUBLIC_URL", value_name = "URL")]
    pub public_url: String,
    /// Language of pages, for browsers that prefer neither
    #[arg(long, env = "HISTORIA_LANG", default_value = "es", value_parser = ["es", "en"])]
    pub lang: String,
    /// The names under which the gateway may be called, separated by commas; needed in production
    #[arg(long, env = "HISTORIA_ALLOWED_HOSTS", value_name = "NAMES", value_delimiter = ',')]
    pub allowed_hosts: Vec<String>,
    /// The certificate chain (PEM) that the gateway shows; needed in production
    #[arg(long, env = "HISTORIA_TLS_CERTIFICATE_FILE", value_name = "FILE", requires = "tls_key_file")]
    pub tls_certificate_file: Option<PathBuf>,
    /// The certificate's private key (PEM)
    #[arg(long, env = "HISTORIA_TLS_KEY_FILE", value_name = "FILE", requires = "tls_certificate_file")]
    pub tls_key_file: Option<PathBuf>,
    #[command(flatten)]
    pub rates: RateArgs,
}
