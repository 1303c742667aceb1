//! F23: more connections than there is room for.
use crate::campaign::Campaign;
use crate::stage::{Condition, GATEWAY};
use platform::Failure;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const FILES: u32 = 256;

pub async fn exhaustion(campaign: &mut Campaign) -> Result<(), Failure> {
    let crowd = campaign.extent.of(600, 2_000);
    campaign.load().await;
    let connected = slow_clients(campaign, crowd, campaign.extent.of(2, 8)).await;
    campaign.recover(&format!("F23 {connected} slow clients")).await?;

    campaign.stage.start_again(GATEWAY, Condition { environment: Vec::new(), files: Some(FILES) })?;
    campaign.stage.everybody_ready().await?;
    campaign.load().await;
    let connected = slow_clients(campaign, crowd, campaign.extent.of(2, 8)).await;
    let runs = campaign.stage.is_running(GATEWAY);
    campaign.recover(&format!("F23 {connected} slow clients, {FILES} files for the gateway")).await?;
    campaign.asked("F23 the gateway without files", &format!("it goes on: {runs}"), runs);
    campaign.stage.start_again(GATEWAY, Condition::default())?;
    campaign.stage.everybody_ready().await
}

/// Connections that send half a request; how many there were.
async fn slow_clients(campaign: &Campaign, count: usize, seconds: u64) -> usize {
    let address = campaign.stage.url().trim_start_matches("http://").to_owned();
    let mut clients = Vec::new();
    for _ in 0..count {
        let connecting = tokio::time::timeout(Duration::from_millis(500), TcpStream::connect(&address));
        let Ok(Ok(mut client)) = connecting.await else { continue };
        if client.write_all(b"POST /results HTTP/1.1\r\nHost: localhost\r\nX-Slow: ").await.is_ok() {
            clients.push(client);
        }
    }
    for _ in 0..seconds {
        tokio::time::sleep(Duration::from_secs(1)).await;
        for client in &mut clients {
            let _ = client.write_all(b"a").await;
        }
    }
    clients.len()
}
