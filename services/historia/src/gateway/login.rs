//! `login` and `logout`.
use super::client::{Way, with_tokens};
use super::session::{Session, SessionFile};
use crate::cli::LoginArgs;
use crate::failure::Failure;
use crate::{output, transport};
use axum::http::Method;
use infra_runtime::secrets::read_file;
use serde_json::{Value, json};
use std::io::IsTerminal;

/// Logs in and keeps the session.
///
/// # Errors
/// Name or password are wrong, the gateway cannot be reached, or the password would be sent in clear.
pub(crate) async fn log_in(arguments: LoginArgs) -> Result<(), Failure> {
    let LoginArgs { url, user, password_file, certificate_file } = arguments;
    if !transport::is_safe(&url) {
        return Err(Failure::usage(format!(
            "a password is sent over TLS, or on this machine: {url:?} must begin with https:// or name localhost"
        )));
    }
    let file = SessionFile::of_user()?;
    let password = match password_file {
        Some(file) => read_file(&file)?,
        None => ask(&user)?,
    };
    // The session is used from elsewhere, where a relative path would mean another file.
    let absolute = |path| std::path::absolute(path).map_err(|error| Failure::of("the certificate's file", &error));
    let certificate_file = certificate_file.map(absolute).transpose()?;
    let way = Way::new(&url, certificate_file.as_deref())?;
    let answer = way.send(Method::POST, "/login", None, Some(&json!({"username": user, "password": password}))).await?;
    let (access_token, refresh_token) = (String::new(), String::new());
    let session = Session { url, user, certificate_file, access_token, refresh_token, expires_at: 0 };
    let session = with_tokens(session, &answer)?;
    let _lock = file.lock()?;
    file.write(&session)?;
    output::note(format!(
        "logged in as {} at {}; the session is in {}",
        session.user,
        session.url,
        file.path().display()
    ));
    if answer.get("must_change_password").and_then(Value::as_bool) == Some(true) {
        output::note("this password has to be changed before anything else: POST /me/password");
    }
    Ok(())
}

/// Ends the session, at the gateway and here.
///
/// # Errors
/// Nobody is logged in, or the gateway could not be told; the tokens are forgotten all the same.
pub(crate) async fn log_out() -> Result<(), Failure> {
    let file = SessionFile::of_user()?;
    let _lock = file.lock()?;
    let session = file.read()?;
    let way = Way::new(&session.url, session.certificate_file.as_deref())?;
    let ended = way.send(Method::POST, "/logout", Some(&session.access_token), None).await;
    file.remove()?;
    match ended {
        Ok(_) => output::note(format!("logged out of {}", session.url)),
        Err(failure) => output::note(format!("the tokens are forgotten here; {}", failure.message)),
    }
    Ok(())
}

/// Asks at the terminal, without showing what is typed.
fn ask(user: &str) -> Result<String, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(
            "there is no terminal to ask for the password: name its file with --password-file FILE",
        ));
    }
    rpassword::prompt_password(format!("Password of {user}: "))
        .map_err(|error| Failure::of("reading the password", &error))
}
