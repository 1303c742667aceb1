//! F21: what was captured is shown again.
use crate::campaign::Campaign;
use crate::client::{Answer, Client};
use hyper::{Method, StatusCode};
use platform::Failure;
use serde_json::json;
use std::time::{Duration, Instant};

/// How long a logout may take to be known everywhere: it is 5 s by the rule, and this machine may be busy.
const KNOWN: Duration = Duration::from_secs(60);

pub async fn attacks(campaign: &mut Campaign) -> Result<(), Failure> {
    let (anybody, account) = (Client::at(&campaign.stage.url()), ("captured", "password2"));
    let body = json!({"username": account.0, "password": account.1, "email": "captured@lab.local"});
    let created = anybody.ask(Method::POST, "/users", Some("captured"), Some(body)).await?;
    campaign.asked("F21 an account", &created.status.to_string(), created.status == StatusCode::CREATED);

    let user = Client::log_in(&campaign.stage.url(), account.0, account.1).await?;
    let before = get(&user, "/me").await?.status;
    let out = user.ask(Method::POST, "/logout", None, None).await?.status;
    let begun = Instant::now();
    let mut after = get(&user, "/me").await?.status;
    while after != StatusCode::UNAUTHORIZED && begun.elapsed() < KNOWN {
        tokio::time::sleep(Duration::from_millis(100)).await;
        after = get(&user, "/me").await?.status;
    }
    let what = format!("{before}, after the logout ({out}) {after} within {:.1} s", begun.elapsed().as_secs_f64());
    let right = before == StatusCode::OK && after == StatusCode::UNAUTHORIZED;
    campaign.asked("F21 a token after the logout", &what, right);

    let (_, first) = anybody.new_session(account.0, account.1).await?;
    let refreshed = refresh(&anybody, &first).await?;
    let second = refreshed.body["refresh_token"].as_str().unwrap_or_default().to_owned();
    let reused = refresh(&anybody, &first).await?.status;
    let family = refresh(&anybody, &second).await?.status;
    let what = format!("{}, reused {reused}, its successor then {family}", refreshed.status);
    let right = refreshed.status == StatusCode::OK && [reused, family] == [StatusCode::UNAUTHORIZED; 2];
    campaign.asked("F21 a refresh token twice", &what, right);

    let ids = campaign.file_some(1).await?;
    let laboratory = campaign.laboratories.one(0).await;
    let (key, body) = campaign.last_filed();
    let same = laboratory.ask(Method::POST, "/results", Some(&key), Some(body)).await?;
    let other = json!({"patient": "Somebody Else", "result": "Resultado Negativo"});
    let other = laboratory.ask(Method::POST, "/results", Some(&key), Some(other)).await?.status;
    let is_same = same.body["id"].as_str() == ids.first().map(String::as_str);
    let what = format!("the same body: the same result: {is_same}; another body: {other}");
    campaign.asked("F21 an Idempotency-Key twice", &what, is_same && other == StatusCode::UNPROCESSABLE_ENTITY);

    let page = get(&laboratory, "/results?limit=1").await?;
    let cursor = page.body["next"].as_str().unwrap_or_default().to_owned();
    let mut statuses = Vec::new();
    for at in [0, cursor.len() / 2, cursor.len().saturating_sub(2)] {
        let mut tampered: Vec<char> = cursor.chars().collect();
        if let Some(letter) = tampered.get_mut(at) {
            *letter = if *letter == 'A' { 'B' } else { 'A' };
        }
        let tampered: String = tampered.into_iter().collect();
        statuses.push(get(&laboratory, &format!("/results?limit=1&cursor={tampered}")).await?.status.as_u16());
    }
    let other_list = get(&laboratory, &format!("/saga/logs?cursor={cursor}")).await?.status.as_u16();
    statuses.push(other_list);
    let right = !cursor.is_empty() && statuses.iter().all(|status| *status == 400);
    campaign.asked("F21 a tampered cursor", &format!("{statuses:?}"), right);
    Ok(())
}

async fn refresh(anybody: &Client, token: &str) -> Result<Answer, Failure> {
    anybody.ask(Method::POST, "/token/refresh", None, Some(json!({"refresh_token": token}))).await
}

async fn get(client: &Client, path: &str) -> Result<Answer, Failure> {
    client.ask(Method::GET, path, None, None).await
}
