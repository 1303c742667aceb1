//! A mail server of one page: takes mails, or refuses every recipient.
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain_kernel::ports::Mail;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub(crate) struct SmtpServer {
    address: SocketAddr,
    mails: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl SmtpServer {
    /// Listens; answers every `RCPT TO` with `reply`.
    pub(crate) async fn start(reply: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mails = Arc::new(Mutex::new(Vec::new()));
        let taken = Arc::clone(&mails);
        let task = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection, reply, Arc::clone(&taken)));
            }
        });
        Self { address, mails, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// The mails that were taken, the oldest first.
    pub(crate) fn arrived(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().iter().map(|mail| parse(mail)).collect()
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(connection: TcpStream, reply: &str, mails: Arc<Mutex<Vec<String>>>) -> Option<()> {
    let (reader, mut writer) = connection.into_split();
    let mut lines = BufReader::new(reader).lines();
    let mut say = async |line: &str| writer.write_all(format!("{line}\r\n").as_bytes()).await.ok();
    say("220 lab.test").await?;
    while let Ok(Some(line)) = lines.next_line().await {
        match line.split([' ', ':']).next().unwrap_or_default().to_uppercase().as_str() {
            "RCPT" => say(reply).await?,
            "DATA" => {
                say("354 go on").await?;
                let mut mail = Vec::new();
                while let Ok(Some(line)) = lines.next_line().await {
                    if line == "." {
                        break;
                    }
                    mail.push(line.strip_prefix('.').map(str::to_owned).unwrap_or(line));
                }
                mails.lock().unwrap().push(mail.join("\r\n"));
                say("250 taken").await?;
            }
            "QUIT" => return say("221 bye").await,
            _ => say("250 ok").await?,
        }
    }
    Some(())
}

fn parse(mail: &str) -> Mail {
    let (head, body) = mail.split_once("\r\n\r\n").unwrap();
    let head = head.replace("\r\n ", " ");
    let field = |name: &str| {
        let prefix = format!("{name}: ");
        head.lines().find_map(|line| line.strip_prefix(&prefix)).unwrap_or_default().to_owned()
    };
    let encoding = field("Content-Transfer-Encoding");
    let text = match encoding.as_str() {
        "quoted-printable" => String::from_utf8(quoted_printable(body)).unwrap(),
        "base64" => String::from_utf8(STANDARD.decode(body.replace("\r\n", "")).unwrap()).unwrap(),
        _ => body.to_owned(),
    };
    let mut text = text.replace("\r\n", "\n");
    if !text.ends_with('\n') {
        // The line's end before the final dot belongs to the protocol.
        text.push('\n');
    }
    Mail {
        message_id: field("Message-ID").trim_matches(['<', '>']).to_owned(),
        to: field("To"),
        subject: encoded_words(&field("Subject")),
        text,
    }
}

/// RFC 2045 §6.7.
fn quoted_printable(text: &str) -> Vec<u8> {
    let text = text.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match (first, after) {
            (b'=', [high, low, after @ ..]) => {
                let digits = [*high, *low];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
                rest = after;
            }
            (byte, _) => bytes.push(*byte),
        }
    }
    bytes
}

/// RFC 2047, base64 only; white space between two encoded words is not part of the text.
fn encoded_words(text: &str) -> String {
    let mut decoded = String::new();
    let mut after_encoded = false;
    for (index, word) in text.split(' ').enumerate() {
        let encoded = word.strip_prefix("=?utf-8?b?").and_then(|word| word.strip_suffix("?="));
        if index > 0 && !(after_encoded && encoded.is_some()) {
            decoded.push(' ');
        }
        match encoded {
            Some(encoded) => decoded.push_str(&String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap()),
            None => decoded.push_str(word),
        }
        after_encoded = encoded.is_some();
    }
    decoded
}
