//! Tokens for the broker.
use super::names;
use crate::failure::Failure;
use infra_runtime::pulsar::Token;
use infra_runtime::secrets::SecretsDirectory;

/// A token for `role`, signed with the key that the broker checks with. The same key and role give the same token.
///
/// # Errors
/// The key is not readable.
pub(crate) fn of_role(operator: &SecretsDirectory, role: &str) -> Result<String, Failure> {
    // Makes it, if it is missing; the broker takes the file's bytes as they are, line's end and all.
    operator.text(names::BROKER_TOKEN_KEY)?;
    let file = operator.file(names::BROKER_TOKEN_KEY);
    let key = std::fs::read(&file).map_err(|error| Failure::of(&file.display().to_string(), &error))?;
    Ok(Token::sign(&key, role)?.reveal().to_owned())
}
