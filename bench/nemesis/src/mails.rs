//! A mail server that takes everything and remembers how often each mail came: SMTP (RFC 5321) as far as a client needs
//! it.
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// How often each mail came, by the notification in its `Message-ID`.
type Taken = Arc<Mutex<BTreeMap<String, usize>>>;

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

    /// How often each mail came.
    pub fn taken(&self) -> BTreeMap<String, usize> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn converse(mut connection: TcpStream, taken: &Taken) -> std::io::Result<()> {
    connection.set_nodelay(true)?;
    let lines = BufReader::new(connection.try_clone()?).lines();
    connection.write_all(b"220 ready\r\n")?;
    let (mut in_data, mut id) = (false, String::new());
    for line in lines {
        let line = line?;
        let answer: &[u8] = match line.split_whitespace().next().unwrap_or_default().to_ascii_uppercase().as_str() {
            "." if in_data => {
                in_data = false;
                let id = std::mem::take(&mut id);
                *taken.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_default() += 1;
                b"250 taken\r\n"
            }
            "MESSAGE-ID:" if in_data => {
                let value = line.split_once(':').map_or("", |(_, value)| value);
                id = value.trim().trim_start_matches('<').split(['@', '>']).next().unwrap_or_default().to_owned();
                continue;
            }
            _ if in_data => continue,
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
