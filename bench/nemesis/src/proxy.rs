//! The network between two processes: a TCP proxy whose faults can be changed while connections are open.
use platform::Failure;
use std::net::Ipv4Addr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What happens to what is sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Network {
    /// It arrives.
    Whole,
    /// Nothing arrives, in neither direction; connections stay open, and what waits arrives when this is over.
    BlackHole,
    /// What the client sends arrives, what it is answered does not.
    OneWay,
    /// Every connection is reset, new ones at once.
    Reset,
    /// Everything arrives so much later.
    Delay(Duration),
    /// Every connection is closed when the server has answered so many bytes.
    CloseAfter(usize),
}

/// A proxy on a port of its own.
pub struct Link {
    pub port: u16,
    network: watch::Sender<Network>,
}

impl Link {
    /// A proxy to `target`, a port of 127.0.0.1.
    pub async fn to(target: u16) -> Result<Self, Failure> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let (network, watched) = watch::channel(Network::Whole);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(connect(client, target, watched.clone()));
            }
        });
        Ok(Self { port, network })
    }

    pub fn set(&self, network: Network) {
        let _ = self.network.send(network);
    }
}

async fn connect(mut client: TcpStream, target: u16, mut network: watch::Receiver<Network>) {
    // Whoever connects into a black hole waits.
    let arrives = |network: &Network| !matches!(network, Network::BlackHole);
    if network.wait_for(arrives).await.is_err() || *network.borrow() == Network::Reset {
        let _ = client.set_zero_linger();
        return;
    }
    let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let is_reset = {
        let (mut from_client, mut to_client) = client.split();
        let (mut from_server, mut to_server) = server.split();
        let mut reset = network.clone();
        tokio::select! {
            _ = async {
                tokio::join!(
                    pump(&mut from_client, &mut to_server, network.clone(), false),
                    pump(&mut from_server, &mut to_client, network.clone(), true),
                )
            } => false,
            _ = reset.wait_for(|network| *network == Network::Reset) => true,
        }
    };
    if is_reset || matches!(*network.borrow(), Network::CloseAfter(_)) {
        let _ = (client.set_zero_linger(), server.set_zero_linger());
    }
}

/// Carries bytes one way until there are no more, or the network ends it.
async fn pump(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
    mut network: watch::Receiver<Network>,
    is_answer: bool,
) {
    let (mut buffer, mut carried) = (vec![0; 16 * 1024], 0);
    while let Ok(count) = from.read(&mut buffer).await {
        let arrives = |network: &Network| match network {
            Network::BlackHole => false,
            Network::OneWay => !is_answer,
            _ => true,
        };
        let Ok(now) = network.wait_for(arrives).await.map(|network| *network) else { break };
        match now {
            Network::Delay(delay) => tokio::time::sleep(delay).await,
            Network::CloseAfter(most) if is_answer && carried + count > most => break,
            _ => {}
        }
        if count == 0 || to.write_all(&buffer[..count]).await.is_err() {
            break;
        }
        carried += count;
    }
    let _ = to.shutdown().await;
}
