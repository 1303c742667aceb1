//! What our own code once wrote: the golden files, where the crates keep them.
use domain_kernel::{EventTypeId, SchemaVersion};
use fuzz::hexadecimal;
use infra_contracts::stored::StoredEventType;
use std::path::{Path, PathBuf};

fn files(folder: &str) -> Vec<(String, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut found: Vec<(String, PathBuf)> = entries
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.path()))
        .collect();
    found.sort();
    found
}

/// The records of a topic, of every version.
pub(crate) fn records(topic: &str) -> Vec<Vec<u8>> {
    files(&format!("infrastructure/contracts/golden/{topic}"))
        .into_iter()
        .filter(|(name, _)| Path::new(name).extension().is_some_and(|ending| ending == "bin"))
        .map(|(_, path)| std::fs::read(path).unwrap())
        .collect()
}

/// What the sealed record of an account holds, of every event that has one: files called `<event>.account.vN.hex`.
pub(crate) fn accounts() -> Vec<Vec<u8>> {
    let inner = files("services/users/src/stored/golden").into_iter().filter(|(name, _)| name.contains(".account."));
    inner.map(|(_, path)| hexadecimal(&std::fs::read_to_string(path).unwrap()).unwrap()).collect()
}

/// A stored event: which, with which schema, its bytes.
pub(crate) type Stored = (EventTypeId, SchemaVersion, Vec<u8>);

/// The stored events of a service that keeps them as files called `<event>.vN.hex`.
pub(crate) fn stored_in_files(folder: &str, events: &[StoredEventType]) -> Vec<Stored> {
    files(folder)
        .into_iter()
        .filter_map(|(name, path)| {
            let [event, version, "hex"] = name.split('.').collect::<Vec<_>>()[..] else { return None };
            let found = events.iter().find(|known| known.name.split('.').next_back() == Some(event)).unwrap();
            let version = version.trim_start_matches('v').parse().unwrap();
            let bytes = hexadecimal(&std::fs::read_to_string(path).unwrap()).unwrap();
            Some((EventTypeId(found.type_id), SchemaVersion(version), bytes))
        })
        .collect()
}

/// The stored events of results: a line each, `name type version bytes`.
pub(crate) fn stored_results() -> Vec<Stored> {
    let text = include_str!("../../../services/results/tests/results/golden.txt");
    text.lines()
        .map(|line| {
            let [_, type_id, version, bytes] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            let (type_id, version) = (type_id.parse().unwrap(), version.parse().unwrap());
            (EventTypeId(type_id), SchemaVersion(version), hexadecimal(bytes).unwrap())
        })
        .collect()
}
