//! `secrets`: the keys, passwords and tokens of services that run alone.
//!
//! ```text
//! DIRECTORY/
//!   operator/         everything; for migrations, topics and whoever looks after the platform
//!   users/ results/ notifications/ saga_log/ bff/
//!                     copies of what that service may have, and nothing else
//!   broker/           what the broker checks tokens with
//!   postgres/         the password of the databases' owner
//! ```
//! What always holds: a folder is 0700 and a file 0600; what exists is never written again, so running it twice changes
//! nothing; a folder never holds a key of a purpose that its service may not open.
mod folders;
pub(crate) mod names;
mod tokens;

pub(crate) use folders::{Item, OPERATOR, folders};

use crate::cli::SecretsCommand;
use crate::failure::Failure;
use crate::output;
use infra_http::TokenSigner;
use infra_runtime::secrets::SecretsDirectory;
use infra_vault::MasterKeys;
use std::path::Path;

/// Runs a `secrets` verb.
///
/// # Errors
/// The directory cannot be written, or what is in it is not as it should be.
pub(crate) fn run(command: &SecretsCommand) -> Result<(), Failure> {
    match command {
        SecretsCommand::Create { directory } => {
            create(directory)?;
            check(directory)?;
            output::line(format!("{} folders of secrets in {}", folders().len(), directory.display()))
        }
        SecretsCommand::Check { directory } => {
            check(directory)?;
            output::line(format!("every secret is in {}", directory.display()))
        }
    }
}

/// Makes what is missing.
fn create(directory: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(directory).map_err(|error| Failure::of(&directory.display().to_string(), &error))?;
    let operator = SecretsDirectory::open(&directory.join(OPERATOR))?;
    MasterKeys::create_missing(operator.path())?;
    for folder in folders() {
        let copy = SecretsDirectory::open(&directory.join(folder.name))?;
        for item in folder.items {
            let text = match item {
                Item::Secret(ref name) => operator.text(name)?,
                Item::BrokerToken(role) => tokens::of_role(&operator, role)?,
                Item::GatewayKeys => gateway_keys(&operator)?,
            };
            keep(&copy, item.file(), &text)?;
        }
    }
    Ok(())
}

/// Stores a copy, unless there is one; one that differs is an error, since nobody knows which of the two is in use.
fn keep(folder: &SecretsDirectory, name: &str, text: &str) -> Result<(), Failure> {
    if folder.store(name, text)? == text {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{} is not the one in {OPERATOR}: delete it to have it copied again",
        folder.file(name).display()
    )))
}

/// Fails unless everything is there, readable for its owner alone, and the same in every folder.
fn check(directory: &Path) -> Result<(), Failure> {
    let operator = SecretsDirectory::existing(&directory.join(OPERATOR))?;
    for folder in folders() {
        let copy = SecretsDirectory::existing(&directory.join(folder.name))?;
        for item in folder.items {
            let text = copy.text(item.file())?;
            let differs = match &item {
                Item::Secret(name) => operator.text(name)? != text,
                Item::GatewayKeys => gateway_keys(&operator)? != text,
                // Tokens may be made elsewhere.
                Item::BrokerToken(_) => false,
            };
            if differs {
                return Err(Failure::new(format!(
                    "{} does not fit the one in {OPERATOR}",
                    copy.file(item.file()).display()
                )));
            }
        }
    }
    Ok(())
}

/// The gateway's public key, as it publishes it.
fn gateway_keys(operator: &SecretsDirectory) -> Result<String, Failure> {
    let signer = TokenSigner::gateway(&operator.bytes32(names::GATEWAY_TOKEN_KEY)?)?;
    Ok(serde_json::to_string(&signer.jwks())?)
}

#[cfg(test)]
mod tests;
