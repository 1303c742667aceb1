//! Recorded events as people are shown them: sealed ([`ShownEvent`]), or opened ([`Disclosures`]).
//!
//! ```text
//! wish ──▶ read the stream ──▶ append operations.payload_revealed ──▶ open ──▶ show
//!                                          └─ not appended: nothing is opened
//! ```
//! The record is an event of the service whose events are shown, in a stream of its own beside each stream that anybody
//! was shown ([`disclosure_stream`]). It holds ids, versions and the reader's reason, never anything of what is shown.
mod disclosures;
mod opening;
mod record;
mod shown;

pub use disclosures::{Confidential, Disclosures, Failure, Part, Reader, Revealed, States, Wish};
pub use infra_contracts::stored::CatalogueError;
pub use opening::{Copied, contact, nothing_copied};
pub use record::{CATEGORY, EVENTS, PayloadRevealed, REVEALED, disclosure_stream, read};
pub use shown::{ShownActor, ShownEvent};
