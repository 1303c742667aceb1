//! `replay anchor`: what every log is now, signed, to be kept elsewhere; and `replay verify` holding the logs against
//! such anchors.
use crate::cli::{OutputArgs, StoreArgs};
use crate::data_directory::DataDirectory;
use crate::databases::Databases;
use crate::failure::Failure;
use crate::output::{List, Output};
use crate::platform;
use crate::progress::Bars;
use crate::secrets::names;
use chrono::{DateTime, SecondsFormat};
use domain_kernel::ports::Clock;
use domain_kernel::{Checkpoint, Timestamp};
use infra_event_store::anchors;
use infra_event_store::part::Part;
use infra_runtime::SystemClock;
use infra_runtime::secrets::SecretsDirectory;
use infra_vault::anchor::{Anchor, AnchorKey, LogRoot, SignedAnchor};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use std::path::Path;
use utoipa::ToSchema;

const ANCHORS: List = List { name: "anchors", id: "root", columns: &["log", "position", "events", "taken_at", "root"] };

/// What leaves the server.
#[derive(Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Anchors)]
pub(crate) struct Document {
    anchors: Vec<Entry>,
}

/// A [`SignedAnchor`], as it is written down.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Anchor)]
struct Entry {
    log: String,
    epoch: i16,
    tx: u64,
    position: i64,
    events: u64,
    root: String,
    taken_at: String,
    public_key: String,
    signature: String,
}

/// What the anchors say of one log.
#[derive(Serialize, ToSchema)]
#[schema(as = HeldAnchors)]
pub(super) struct Held {
    /// How many hold, up to the first that does not.
    holding: usize,
    /// What is wrong at the first that does not.
    first_bad: Option<BadAnchor>,
}

#[derive(Serialize, ToSchema)]
struct BadAnchor {
    /// The anchor's place.
    position: i64,
    problem: String,
}

impl Held {
    pub(super) fn is_whole(&self) -> bool {
        self.first_bad.is_none()
    }
}

/// Takes an anchor of every log, keeps it, and prints the document that is to leave the server.
///
/// # Errors
/// The databases or the key cannot be reached.
pub(super) async fn run(
    store: &StoreArgs,
    secrets: Option<&Path>,
    bars: &Bars,
    output: OutputArgs,
) -> Result<(), Failure> {
    let key = AnchorKey::from_seed(&secrets_of(store, secrets, true)?.bytes32(names::ANCHOR_KEY)?);
    let databases = Databases::attach(store).await?;
    let taken = take(&databases, &key, bars).await;
    databases.stop().await?;
    Output::of_document(output).list(&ANCHORS, &taken?)
}

async fn take(databases: &Databases, key: &AnchorKey, bars: &Bars) -> Result<Document, Failure> {
    let mut document = Document::default();
    for service in platform::services() {
        let pool = databases.owner_pool(service.database).await?;
        let (mut bar, now) = (bars.add(service.name), SystemClock::new().now());
        let taken = anchors::take(&pool, service.name, key, now, |progress| bar.set(progress)).await?;
        document.anchors.extend(taken.as_ref().map(Entry::from));
        pool.close().await;
    }
    Ok(document)
}

/// The anchors that `verify` was given, and whose they have to be.
pub(super) struct Given {
    anchors: Vec<SignedAnchor>,
    /// The public part of the key that signs them; `None` where nobody said and no key is there.
    key: Option<[u8; 32]>,
}

impl Given {
    /// Reads `file`; the key is `public`, or the secrets' own.
    ///
    /// # Errors
    /// The file is not what `replay anchor` prints, or `public` is no key.
    pub(super) fn read(
        file: Option<&Path>,
        public: Option<&str>,
        store: &StoreArgs,
        secrets: Option<&Path>,
    ) -> Result<Self, Failure> {
        let mut anchors = Vec::new();
        if let Some(file) = file {
            let of_file = |error: &(dyn std::error::Error + 'static)| Failure::of(&file.display().to_string(), error);
            let text = std::fs::read_to_string(file).map_err(|error| of_file(&error))?;
            let document: Document = serde_json::from_str(&text).map_err(|error| of_file(&error))?;
            for entry in document.anchors {
                anchors.push(entry.signed().ok_or_else(|| {
                    Failure::new(format!("{}: an anchor is not as `historia replay anchor` writes it", file.display()))
                })?);
            }
        }
        let key = match public {
            Some(text) => Some(bytes(text).ok_or_else(|| Failure::new("--anchor-key is 64 hexadecimal digits"))?),
            None => own_key(store, secrets)?,
        };
        Ok(Self { anchors, key })
    }

    /// Holds the log of `service` against the anchors of the file and those in its table that lie in `part`. Each covers
    /// the log from its first event on.
    ///
    /// # Errors
    /// The database cannot be reached, or there are anchors and no key to prove whose they are.
    pub(super) async fn check(&self, service: &str, pool: &PgPool, part: &Part, bars: &Bars) -> Result<Held, Failure> {
        let mut signed = anchors::kept(pool, service).await?;
        signed.extend(self.anchors.iter().filter(|signed| signed.anchor.log == service).cloned());
        signed.retain(|signed| part.holds(signed.anchor.at));
        if signed.is_empty() {
            return Ok(Held { holding: 0, first_bad: None });
        }
        let key = self.key.ok_or_else(|| {
            Failure::new(
                "there are anchors and no key that says whose they are: add --secrets-dir DIR or --anchor-key HEX",
            )
        })?;
        if let Some(forged) = signed.iter().find(|signed| !signed.is_signed_by(&key)) {
            let problem = "it is not signed by the key of this platform".to_owned();
            let position = forged.anchor.at.position;
            return Ok(Held { holding: 0, first_bad: Some(BadAnchor { position, problem }) });
        }
        signed.sort_by_key(|signed| signed.anchor.at);
        let anchors: Vec<Anchor> = signed.into_iter().map(|signed| signed.anchor).collect();
        let mut bar = bars.add(&format!("{service} anchors"));
        let report = anchors::check(pool, &anchors, |progress| bar.set(progress)).await?;
        let first_bad =
            report.first_bad.map(|bad| BadAnchor { position: bad.at.position, problem: bad.problem.to_string() });
        Ok(Held { holding: report.holding, first_bad })
    }
}

/// The secrets at `given`, or those of the data directory.
fn secrets_of(store: &StoreArgs, given: Option<&Path>, make: bool) -> Result<SecretsDirectory, Failure> {
    Ok(match given {
        Some(given) => SecretsDirectory::existing(given)?,
        None => {
            let data = DataDirectory::locate(store.data_dir.as_deref())?;
            data.require()?;
            if make { SecretsDirectory::open(&data.secrets())? } else { SecretsDirectory::existing(&data.secrets())? }
        }
    })
}

/// The public part of the key in the secrets, where there are any and one is in them.
fn own_key(store: &StoreArgs, given: Option<&Path>) -> Result<Option<[u8; 32]>, Failure> {
    let secrets = match secrets_of(store, given, false) {
        Ok(secrets) => secrets,
        Err(failure) if given.is_some() => return Err(failure),
        Err(_) => return Ok(None),
    };
    if secrets.read(names::ANCHOR_KEY)?.is_none() {
        return Ok(None);
    }
    Ok(Some(AnchorKey::from_seed(&secrets.bytes32(names::ANCHOR_KEY)?).public()))
}

impl From<&SignedAnchor> for Entry {
    fn from(signed: &SignedAnchor) -> Self {
        let SignedAnchor { anchor, public_key, signature } = signed;
        let taken_at = DateTime::from_timestamp_micros(anchor.taken_at.0).unwrap_or_default();
        Self {
            log: anchor.log.clone(),
            epoch: anchor.at.epoch,
            tx: anchor.at.tx,
            position: anchor.at.position,
            events: anchor.root.events,
            root: hex(&anchor.root.hash),
            taken_at: taken_at.to_rfc3339_opts(SecondsFormat::Micros, true),
            public_key: hex(public_key),
            signature: hex(signature),
        }
    }
}

impl Entry {
    fn signed(self) -> Option<SignedAnchor> {
        let taken_at = DateTime::parse_from_rfc3339(&self.taken_at).ok()?;
        Some(SignedAnchor {
            anchor: Anchor {
                at: Checkpoint { epoch: self.epoch, tx: self.tx, position: self.position },
                root: LogRoot { hash: bytes(&self.root)?, events: self.events },
                taken_at: Timestamp(taken_at.timestamp_micros()),
                log: self.log,
            },
            public_key: bytes(&self.public_key)?,
            signature: bytes(&self.signature)?,
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `N` bytes from twice as many hexadecimal digits.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits: Vec<u8> = text.chars().map(|digit| digit.to_digit(16)?.try_into().ok()).collect::<Option<_>>()?;
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| high << 4 | low).collect::<Vec<u8>>().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_is_the_same_after_it_was_written_down() {
        let key = AnchorKey::from_seed(&[7; 32]);
        let anchor = Anchor {
            log: "users".to_owned(),
            at: Checkpoint { epoch: 1, tx: 901, position: 17 },
            root: LogRoot { hash: [0xA5; 32], events: 17 },
            taken_at: Timestamp(1_800_000_000_000_001),
        };
        let signed = key.sign(anchor);
        let text = serde_json::to_string(&Document { anchors: vec![Entry::from(&signed)] }).unwrap();
        let [entry] = <[Entry; 1]>::try_from(serde_json::from_str::<Document>(&text).unwrap().anchors).ok().unwrap();
        assert_eq!(entry.signed(), Some(signed));
    }

    #[test]
    fn only_hexadecimal_digits_of_the_right_number_are_bytes() {
        assert_eq!(bytes("0aF0"), Some([0x0A, 0xF0]));
        for wrong in ["0a", "0aF", "0aF00", "0agg", "0aF01"] {
            assert_eq!(bytes::<2>(wrong), None, "{wrong}");
        }
    }
}
