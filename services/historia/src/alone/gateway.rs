//! The gateway alone: in front of services that are other processes.
use super::{Process, address, keys, listen, production};
use crate::cli::GatewayArgs;
use crate::failure::Failure;
use crate::platform;
use crate::running;
use crate::secrets::names;
use infra_http::{KeySet, Limits, Tls, TlsFiles, TokenSigner};
use infra_runtime::Supervisor;
use service_bff::Upstream;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Runs the gateway until it is told to stop. A service that is not there is no error: it may come later.
///
/// # Errors
/// A setting is wrong, or the gateway failed for good.
pub(crate) async fn run(arguments: GatewayArgs) -> Result<(), Failure> {
    let profile = arguments.process.profile.parse()?;
    production::check_gateway(profile, &arguments)?;
    let process = Process::begin(&arguments.process)?;
    let tls = tls(&arguments)?;
    let listener = listen(address(service_bff::NAME, profile, arguments.process.listen)).await?;
    let internal = match arguments.internal_listen {
        Some(address) => Some(listen(address).await?),
        None => None,
    };
    let user_keys = KeySet::default();
    if let Some(place) = &arguments.users_jwks {
        keys::follow("users service", place, &user_keys, &process.supervisor)?;
    }
    let signer = TokenSigner::gateway(&process.secrets.bytes32(names::GATEWAY_TOKEN_KEY)?)?;
    let config = service_bff::Config {
        services: upstreams(&arguments)?,
        events: platform::events(),
        user_keys,
        internal_signer: signer.clone(),
        limits: running::limits(arguments.rates),
        profile,
        language: arguments.lang.parse()?,
        public_url: arguments.public_url.clone(),
        allowed_hosts: (!arguments.allowed_hosts.is_empty()).then(|| arguments.allowed_hosts.clone()),
    };
    let supervisor = Supervisor::new();
    let router = service_bff::start(config, supervisor.clone(), Arc::clone(&process.clock)).await?;
    if let Some(internal) = internal {
        let router = service_bff::internal_router(&signer, Arc::clone(&process.clock));
        serve("internal listener", internal, router, (Limits::internal(), None), &supervisor);
    }
    tracing::info!(address = %listener.local_addr()?, %profile, tls = tls.is_some(), "the gateway is ready");
    serve("listener", listener, router, (Limits::public(), tls), &supervisor);
    let ended = process.wait(&supervisor).await;
    supervisor.stop().await;
    process.supervisor.stop().await;
    ended
}

fn serve(
    name: &'static str,
    listener: TcpListener,
    router: axum::Router,
    (limits, tls): (Limits, Option<Tls>),
    supervisor: &Supervisor,
) {
    supervisor.spawn_once(name, move |stop| {
        Box::pin(async move {
            match tls {
                Some(tls) => infra_http::serve_tls(listener, router, limits, tls, stop).await?,
                None => infra_http::serve(listener, router, limits, stop).await?,
            }
            Ok(())
        })
    });
}

fn tls(arguments: &GatewayArgs) -> Result<Option<Tls>, Failure> {
    match (&arguments.tls_certificate_file, &arguments.tls_key_file) {
        (Some(certificate), Some(key)) => {
            Ok(Some(Tls::read(TlsFiles { certificate: certificate.clone(), key: key.clone() })?))
        }
        _ => Ok(None),
    }
}

/// Every service with its address.
fn upstreams(arguments: &GatewayArgs) -> Result<Vec<Upstream>, Failure> {
    let upstream = |service: platform::ServiceDefinition| {
        let base_url = match service.name {
            service_users::NAME => &arguments.users_url,
            service_results::NAME => &arguments.results_url,
            service_notifications::NAME => &arguments.notifications_url,
            service_saga_log::NAME => &arguments.saga_log_url,
            other => return Err(Failure::new(format!("nobody said where {other} is"))),
        };
        Ok(Upstream { api: (service.api)(), base_url: base_url.clone() })
    };
    platform::services().into_iter().map(upstream).collect()
}
