//! A mail server that takes everything and remembers when the mail about each result came: SMTP (RFC 5321) as far as a
//! client needs it.
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// When the first mail about each result came, by the result's number.
type Taken = Arc<Mutex<HashMap<i64, Instant>>>;

/// The running server; its threads end with the process.
pub struct MailServer {
    pub address: SocketAddr,
    taken: Taken,
}

impl MailServer {
    pub fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let (address, taken) = (listener.local_addr()?, Taken::default());
        let all = Arc::clone(&taken);
        std::thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let taken = Arc::clone(&all);
                // A client that goes away in between is its own affair.
                std::thread::spawn(move || drop(converse(connection, &taken)));
            }
        });
        Ok(Self { address, taken })
    }

    pub fn taken(&self, number: i64) -> Option<Instant> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).get(&number).copied()
    }
}

fn converse(mut connection: TcpStream, taken: &Taken) -> std::io::Result<()> {
    connection.set_nodelay(true)?;
    let lines = BufReader::new(connection.try_clone()?).lines();
    connection.write_all(b"220 ready\r\n")?;
    let (mut in_data, mut number) = (false, None);
    for line in lines {
        let line = line?;
        let answer: &[u8] = match line.split_whitespace().next().unwrap_or_default().to_ascii_uppercase().as_str() {
            "." if in_data => {
                in_data = false;
                if let Some(number) = number.take() {
                    let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
                    taken.entry(number).or_insert_with(Instant::now);
                }
                b"250 taken\r\n"
            }
            _ if in_data => {
                if let Some((_, rest)) = line.split_once("/results/") {
                    number = rest.trim().parse().ok().or(number);
                }
                continue;
            }
            "DATA" => {
                in_data = true;
                b"354 go on\r\n"
            }
            "QUIT" => b"221 bye\r\n",
            _ => b"250 ok\r\n",
        };
        connection.write_all(answer)?;
    }
    Ok(())
}
