//! The server's settings, given at each start: nothing is edited in the data directory.

/// Settings that hold always.
const ALWAYS: &[(&str, &str)] = &[
    ("listen_addresses", "127.0.0.1"),
    // The data directory, which only its own account can enter: a round trip costs less than over the network.
    ("unix_socket_directories", "."),
    // Nine services with their pools, the writers and the command line.
    ("max_connections", "200"),
    // For two cores and a few gigabytes of memory.
    ("shared_buffers", "256MB"),
    ("random_page_cost", "1.1"),
    ("jit", "off"),
    // Appends are small and steady: seldom checkpoints mean seldom whole pages in the log.
    ("wal_compression", "on"),
    ("checkpoint_timeout", "15min"),
    // An open transaction anywhere in the cluster holds back every reader of the global order.
    ("idle_in_transaction_session_timeout", "5s"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    // The log is read by people who may not see a patient's data: no statements, and no details with values.
    ("log_min_error_statement", "panic"),
    ("log_error_verbosity", "terse"),
    ("log_statement", "none"),
];

/// Settings of a cluster that keeps what was committed.
const DURABLE: &[(&str, &str)] = &[("max_wal_size", "4GB")];

/// Settings of a cluster for tests: a crash of the machine may take everything.
const VOLATILE: &[(&str, &str)] =
    &[("fsync", "off"), ("synchronous_commit", "off"), ("full_page_writes", "off"), ("max_wal_size", "1GB")];

/// The command line's `-c name=value`.
pub(super) fn arguments(port: u16, durable: bool) -> Vec<String> {
    let more = if durable { DURABLE } else { VOLATILE };
    let settings = ALWAYS.iter().chain(more).map(|(name, value)| format!("{name}={value}"));
    settings.chain([format!("port={port}")]).flat_map(|setting| ["-c".to_owned(), setting]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_cluster_for_tests_gives_up_durability() {
        for setting in ["fsync=off", "synchronous_commit=off", "full_page_writes=off"] {
            assert!(!arguments(1, true).contains(&setting.to_owned()), "{setting}");
            assert!(arguments(1, false).contains(&setting.to_owned()), "{setting}");
        }
    }
}
