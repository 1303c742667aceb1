//! The one binary of Historia: the whole platform, each service, and the operator's tools.
mod alone;
mod break_glass;
mod cli;
mod data_directory;
mod databases;
mod db;
mod demo;
mod doctor;
mod documents;
mod events;
mod exit;
mod failure;
mod gateway;
mod health;
mod history;
mod logs;
mod mark;
mod nearest;
mod output;
mod platform;
mod progress;
mod replay;
mod rotation;
mod running;
mod schemas;
mod secrets;
mod shell;
mod state;
mod status;
mod streams;
mod token;
mod topics;
mod trace;
mod transport;
mod up;

use clap::Parser;
use cli::{Cli, Command};
use failure::Failure;
use std::process::ExitCode;

fn main() -> ExitCode {
    let command = Cli::parse().command;
    let ended = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::from)
        .and_then(|runtime| runtime.block_on(run(command)));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.message.is_empty() {
                output::note(format!("historia: {}", failure.message));
            }
            failure.exit.into()
        }
    }
}

async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Up(arguments) => Box::pin(up::run(arguments)).await,
        Command::Status(arguments) => Box::pin(status::status(arguments)).await,
        Command::Logs(arguments) => logs::run(arguments).await,
        Command::Down(arguments) => status::down(arguments).await,
        Command::Users(arguments) => Box::pin(alone::run_users(arguments)).await,
        Command::Results(arguments) => Box::pin(alone::run_plain(service_results::NAME, arguments)).await,
        Command::Notifications(arguments) => Box::pin(alone::run_notifications(arguments)).await,
        Command::SagaLog(arguments) => Box::pin(alone::run_plain(service_saga_log::NAME, arguments)).await,
        Command::Bff(arguments) => Box::pin(alone::run_gateway(arguments)).await,
        Command::Topics(command) => Box::pin(topics::run(&command)).await,
        Command::Secrets(command) => secrets::run(&command),
        Command::Health(arguments) => health::run(&arguments).await,
        Command::Db(command) => Box::pin(db::run(command)).await,
        Command::Doctor(arguments) => doctor::run(&arguments).await,
        Command::Schemas(arguments) => schemas::write(&arguments),
        Command::Openapi => documents::print_openapi(),
        Command::Asyncapi => documents::print_asyncapi(),
        Command::Postman(arguments) => documents::write_postman(&arguments),
        Command::Streams(command) => Box::pin(streams::run(command)).await,
        Command::Trace(arguments) => Box::pin(trace::run(arguments)).await,
        Command::State(arguments) => Box::pin(state::at(arguments)).await,
        Command::Diff(arguments) => Box::pin(state::difference(arguments)).await,
        Command::Events(command) => Box::pin(events::run(command)).await,
        Command::Replay(command) => Box::pin(replay::run(command)).await,
        Command::Login(arguments) => Box::pin(gateway::log_in(arguments)).await,
        Command::Logout => Box::pin(gateway::log_out()).await,
        Command::Saga(command) => Box::pin(gateway::saga(command)).await,
        Command::DeadLetters(command) => Box::pin(gateway::dead_letters(command)).await,
        Command::Projections(command) => Box::pin(gateway::projections(command)).await,
        Command::Keys(command) => Box::pin(gateway::keys(command)).await,
        Command::Token(arguments) => Box::pin(token::run(arguments)).await,
        Command::Completions { shell } => shell::completions(shell),
        Command::Man { directory } => shell::man(&directory),
        Command::Demo(command) => Box::pin(demo::run(command)).await,
    }
}
