//! A mail server that takes everything and remembers what came: SMTP (RFC 5321) as far as a client needs it.
use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

#[derive(Default)]
struct Taken {
    /// How often each mail came, by the notification in its `Message-ID`.
    times: BTreeMap<String, usize>,
    /// When the first mail about each result came, by the number in its link.
    about: HashMap<i64, Instant>,
}

/// The running server; its threads end with the process.
pub struct MailServer {
    pub address: SocketAddr,
    taken: Arc<Mutex<Taken>>,
}

impl MailServer {
    pub fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let (address, taken) = (listener.local_addr()?, Arc::<Mutex<Taken>>::default());
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

    /// How often each mail came, by the notification in its `Message-ID`.
    pub fn taken(&self) -> BTreeMap<String, usize> {
        self.lock().times.clone()
    }

    /// When the first mail about the result of that number came.
    pub fn first_about(&self, number: i64) -> Option<Instant> {
        self.lock().about.get(&number).copied()
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn converse(mut connection: TcpStream, taken: &Mutex<Taken>) -> std::io::Result<()> {
    connection.set_nodelay(true)?;
    let lines = BufReader::new(connection.try_clone()?).lines();
    connection.write_all(b"220 ready\r\n")?;
    let (mut in_data, mut id, mut number) = (false, String::new(), None);
    for line in lines {
        let line = line?;
        let answer: &[u8] = match line.split_whitespace().next().unwrap_or_default().to_ascii_uppercase().as_str() {
            "." if in_data => {
                in_data = false;
                let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
                *taken.times.entry(std::mem::take(&mut id)).or_default() += 1;
                if let Some(number) = number.take() {
                    taken.about.entry(number).or_insert_with(Instant::now);
                }
                b"250 taken\r\n"
            }
            "MESSAGE-ID:" if in_data => {
                let value = line.split_once(':').map_or("", |(_, value)| value);
                id = value.trim().trim_start_matches('<').split(['@', '>']).next().unwrap_or_default().to_owned();
                continue;
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
