//! A mail server that takes everything and remembers which mails it got: SMTP (RFC 5321) as far as a client needs it.
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// How often each mail came, by its `Message-ID`.
type Mails = Arc<Mutex<BTreeMap<String, usize>>>;

/// The running server; its thread ends with the process.
pub(crate) struct MailCatcher {
    pub(crate) address: SocketAddr,
    mails: Mails,
}

impl MailCatcher {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, mails) = (listener.local_addr().unwrap(), Mails::default());
        let taken = Arc::clone(&mails);
        std::thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let mails = Arc::clone(&taken);
                // A client that goes away in between is its own affair.
                std::thread::spawn(move || drop(converse(connection, &mails)));
            }
        });
        Self { address, mails }
    }

    /// How many different mails came.
    pub(crate) fn count(&self) -> usize {
        self.mails.lock().unwrap().len()
    }
}

fn converse(mut connection: TcpStream, mails: &Mails) -> std::io::Result<()> {
    let lines = BufReader::new(connection.try_clone()?).lines();
    connection.write_all(b"220 ready\r\n")?;
    let (mut in_data, mut id) = (false, String::new());
    for line in lines {
        let line = line?;
        let answer: &[u8] = match line.split_whitespace().next().unwrap_or_default().to_ascii_uppercase().as_str() {
            "." if in_data => {
                in_data = false;
                *mails.lock().unwrap().entry(std::mem::take(&mut id)).or_default() += 1;
                b"250 taken\r\n"
            }
            "MESSAGE-ID:" if in_data => {
                line.trim().clone_into(&mut id);
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
