//! Pulsar's binary protocol as far as it takes to read a topic from its beginning and to put any bytes on it: what no
//! client library would send is what this is for. Frames and field numbers are those of `PulsarApi.proto`.
use platform::Failure;
use std::net::Ipv4Addr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long the broker may take to answer.
const ANSWER: Duration = Duration::from_secs(60);
/// Says that a checksum follows. Brokers take messages without; the platform's client library does not read them.
const CHECKSUM: [u8; 2] = [0x0e, 0x01];
const AVRO: u64 = 4;
const EARLIEST: u64 = 1;
const PERMITS: u64 = 1_000_000;

/// `BaseCommand.Type` and the number of the field with the command.
mod kind {
    pub const CONNECT: u64 = 2;
    pub const CONNECTED: u64 = 3;
    pub const SUBSCRIBE: u64 = 4;
    pub const PRODUCER: u64 = 5;
    pub const SEND: u64 = 6;
    pub const SEND_RECEIPT: u64 = 7;
    pub const SEND_ERROR: u64 = 8;
    pub const MESSAGE: u64 = 9;
    pub const FLOW: u64 = 11;
    pub const SUCCESS: u64 = 13;
    pub const ERROR: u64 = 14;
    pub const PRODUCER_SUCCESS: u64 = 17;
    pub const PING: u64 = 18;
    pub const PONG: u64 = 19;
}

/// A message as it lies on the broker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Raw {
    pub properties: Vec<(String, String)>,
    pub key: String,
    /// Which registered schema it says it has; empty for that of the producer.
    pub schema_version: Vec<u8>,
    pub payload: Vec<u8>,
}

impl Raw {
    pub fn property(&self, name: &str) -> &str {
        self.properties.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.properties.retain(|(key, _)| key != name);
        self.properties.push((name.to_owned(), value.to_owned()));
    }
}

/// A connection to a broker.
pub struct Connection {
    stream: TcpStream,
    sequence: u64,
}

impl Connection {
    pub async fn open(port: u16) -> Result<Self, Failure> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        let mut connection = Self { stream, sequence: 0 };
        let connect = Fields::default().bytes(1, b"nemesis").number(4, 19);
        connection.send(kind::CONNECT, kind::CONNECT, connect, None).await?;
        connection.answer(kind::CONNECTED).await?;
        Ok(connection)
    }

    /// Becomes a producer of `topic`, with an Avro schema or none; an error is the broker's refusal.
    pub async fn produce(&mut self, topic: &str, schema: Option<&str>) -> Result<(), Failure> {
        let mut producer = Fields::default().bytes(1, topic.as_bytes()).number(2, 0).number(3, 1);
        if let Some(schema) = schema {
            let name = topic.rsplit('/').next().unwrap_or(topic);
            let schema = Fields::default().bytes(1, name.as_bytes()).bytes(3, schema.as_bytes()).number(4, AVRO);
            producer = producer.bytes(7, &schema.0);
        }
        self.send(kind::PRODUCER, kind::PRODUCER, producer, None).await?;
        self.answer(kind::PRODUCER_SUCCESS).await.map(drop)
    }

    /// Sends a message and waits for its receipt.
    pub async fn publish(&mut self, raw: &Raw) -> Result<(), Failure> {
        let sequence = self.sequence;
        self.sequence += 1;
        let mut metadata = Fields::default().bytes(1, b"nemesis").number(2, sequence).number(3, now());
        for (key, value) in &raw.properties {
            let property = Fields::default().bytes(1, key.as_bytes()).bytes(2, value.as_bytes());
            metadata = metadata.bytes(4, &property.0);
        }
        metadata = metadata.bytes(6, raw.key.as_bytes());
        if !raw.schema_version.is_empty() {
            metadata = metadata.bytes(16, &raw.schema_version);
        }
        let send = Fields::default().number(1, 0).number(2, sequence).number(3, 1);
        self.send(kind::SEND, kind::SEND, send, Some((&metadata.0, &raw.payload))).await?;
        self.answer(kind::SEND_RECEIPT).await.map(drop)
    }

    /// The first `count` messages of `topic`.
    pub async fn read(&mut self, topic: &str, count: usize) -> Result<Vec<Raw>, Failure> {
        let start = Fields::default().number(1, 0).number(2, 0);
        let subscribe = Fields::default()
            .bytes(1, topic.as_bytes())
            .bytes(2, b"nemesis")
            .number(3, 0)
            .number(4, 0)
            .number(5, 1)
            .number(8, 0)
            .bytes(9, &start.0)
            .number(13, EARLIEST);
        self.send(kind::SUBSCRIBE, kind::SUBSCRIBE, subscribe, None).await?;
        self.answer(kind::SUCCESS).await?;
        self.send(kind::FLOW, kind::FLOW, Fields::default().number(1, 0).number(2, PERMITS), None).await?;
        let mut messages = Vec::new();
        while messages.len() < count {
            let (kind, _, rest) = timeout(ANSWER, self.frame()).await??;
            match kind {
                kind::MESSAGE => messages.push(message(&rest)?),
                kind::PING => self.pong().await?,
                _ => {}
            }
        }
        Ok(messages)
    }

    async fn pong(&mut self) -> Result<(), Failure> {
        self.send(kind::PONG, kind::PONG, Fields::default(), None).await
    }

    /// Waits for an answer of that kind.
    async fn answer(&mut self, wanted: u64) -> Result<Vec<u8>, Failure> {
        loop {
            let (kind, command, _) = timeout(ANSWER, self.frame()).await??;
            match kind {
                kind::PING => self.pong().await?,
                kind::ERROR | kind::SEND_ERROR => {
                    let said = fields(&command)?.into_iter().filter_map(|(_, value)| value.text()).next_back();
                    return Err(format!("refused: {}", said.unwrap_or_default()).into());
                }
                kind if kind == wanted => return Ok(command),
                _ => {}
            }
        }
    }

    async fn send(
        &mut self,
        kind: u64,
        field: u64,
        command: Fields,
        payload: Option<(&[u8], &[u8])>,
    ) -> Result<(), Failure> {
        let command = Fields::default().number(1, kind).bytes(field, &command.0).0;
        let mut frame = Vec::new();
        frame.extend(u32::try_from(command.len())?.to_be_bytes());
        frame.extend(command);
        if let Some((metadata, payload)) = payload {
            let mut message = u32::try_from(metadata.len())?.to_be_bytes().to_vec();
            message.extend(metadata);
            message.extend(payload);
            frame.extend(CHECKSUM);
            frame.extend(crc32c(&message).to_be_bytes());
            frame.extend(message);
        }
        self.stream.write_all(&u32::try_from(frame.len())?.to_be_bytes()).await?;
        Ok(self.stream.write_all(&frame).await?)
    }

    /// The next frame: what it is, its command, and what comes after it.
    async fn frame(&mut self) -> Result<(u64, Vec<u8>, Vec<u8>), Failure> {
        let mut frame = vec![0; self.stream.read_u32().await? as usize];
        self.stream.read_exact(&mut frame).await?;
        let (command, rest) = sized(&frame)?;
        let mut kind = 0;
        let mut inner = Vec::new();
        for (number, value) in fields(command)? {
            match value {
                Value::Number(value) if number == 1 => kind = value,
                Value::Bytes(bytes) => inner = bytes.to_vec(),
                Value::Number(_) => {}
            }
        }
        Ok((kind, inner, rest.to_vec()))
    }
}

/// The message in what comes after a command.
fn message(bytes: &[u8]) -> Result<Raw, Failure> {
    // With a checksum before it, as a rule.
    let bytes = match bytes {
        [first, second, rest @ ..] if [*first, *second] == CHECKSUM => rest.get(4..).ok_or("a frame is cut off")?,
        bytes => bytes,
    };
    let (metadata, payload) = sized(bytes)?;
    let mut raw = Raw { payload: payload.to_vec(), ..Raw::default() };
    for (number, value) in fields(metadata)? {
        match (number, value) {
            (4, Value::Bytes(property)) => {
                let mut texts = fields(property)?.into_iter().filter_map(|(_, value)| value.text());
                raw.properties.push((texts.next().unwrap_or_default(), texts.next().unwrap_or_default()));
            }
            (6, Value::Bytes(key)) => raw.key = String::from_utf8_lossy(key).into_owned(),
            (16, Value::Bytes(version)) => raw.schema_version = version.to_vec(),
            _ => {}
        }
    }
    Ok(raw)
}

/// CRC-32C (Castagnoli), reflected.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

/// Milliseconds since 1970.
fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// What a length in four bytes counts, and the rest.
fn sized(bytes: &[u8]) -> Result<(&[u8], &[u8]), Failure> {
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or("a frame is cut off")?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize).ok_or_else(|| "a frame is cut off".into())
}

/// The fields of a Protocol Buffers message that is being written.
#[derive(Default)]
struct Fields(Vec<u8>);

impl Fields {
    fn number(mut self, field: u64, value: u64) -> Self {
        self.varint(field << 3);
        self.varint(value);
        self
    }

    fn bytes(mut self, field: u64, value: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend(value);
        self
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

/// A field's value.
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl Value<'_> {
    fn text(&self) -> Option<String> {
        match self {
            Self::Number(_) => None,
            Self::Bytes(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        }
    }
}

/// The fields of a Protocol Buffers message.
fn fields(mut bytes: &[u8]) -> Result<Vec<(u64, Value<'_>)>, Failure> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        let value = match tag & 7 {
            0 => Value::Number(varint(&mut bytes)?),
            kind @ (1 | 2 | 5) => {
                let length = match kind {
                    1 => 8,
                    2 => usize::try_from(varint(&mut bytes)?)?,
                    _ => 4,
                };
                let (value, rest) = bytes.split_at_checked(length).ok_or("a field is cut off")?;
                bytes = rest;
                Value::Bytes(value)
            }
            kind => return Err(format!("no kind of field: {kind}").into()),
        };
        fields.push((tag >> 3, value));
    }
    Ok(fields)
}

fn varint(bytes: &mut &[u8]) -> Result<u64, Failure> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or("a number is cut off")?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err("a number is too long".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let written = Fields::default().number(1, 300).bytes(16, b"abc").number(2, u64::MAX);
        let read: Vec<(u64, Option<String>)> =
            fields(&written.0).unwrap().into_iter().map(|(number, value)| (number, value.text())).collect();
        assert_eq!(read, [(1, None), (16, Some("abc".to_owned())), (2, None)]);
        assert!(matches!(fields(&written.0).unwrap()[0].1, Value::Number(300)));
    }

    #[test]
    fn the_checksum_is_castagnolis() {
        // RFC 3720, appendix B.4.
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn what_is_cut_off_is_an_error() {
        let written = Fields::default().bytes(1, b"abc").0;
        assert!(fields(&written[..3]).is_err());
        assert!(sized(&[0, 0, 0, 9, 1]).is_err());
    }
}
