//! The compose files, without Docker: what they say is what the binary understands.
use crate::cli::Cli;
use crate::compose_file::{Compose, Container, DEMO, PREPARED, PRODUCTION, at_root};
use crate::platform::HISTORIA;
use clap::{ArgAction, CommandFactory, Parser};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

/// Read by the logs alone, by every command.
const OF_EVERY_COMMAND: [&str; 2] = ["HISTORIA_LOG", "HISTORIA_LOG_JSON"];

/// The subcommand that the words name, with what is said in them beside.
fn subcommand(words: &[String]) -> clap::Command {
    let mut command = Cli::command();
    command.build();
    for word in words.iter().take_while(|word| !word.starts_with('-')) {
        let found = command.find_subcommand(word).unwrap_or_else(|| panic!("there is no command {words:?}"));
        command = found.clone();
    }
    command
}

/// The words of a command with its variables as flags, which clap takes in the same way.
fn with_flags(name: &str, container: &Container) -> Vec<String> {
    let command = subcommand(&container.command);
    let mut words = vec!["historia".to_owned()];
    words.extend(container.command.iter().cloned());
    for (variable, value) in &container.environment {
        if OF_EVERY_COMMAND.contains(&variable.as_str()) {
            continue;
        }
        let argument =
            command.get_arguments().find(|argument| argument.get_env().is_some_and(|env| env == &**variable));
        let argument = argument.unwrap_or_else(|| panic!("{variable} is no setting of {name}"));
        match argument.get_action() {
            ArgAction::SetTrue => assert_eq!(value, "true", "{name}: {variable}"),
            _ => {
                words.push(format!("--{}={value}", argument.get_long().unwrap()));
                continue;
            }
        }
        words.push(format!("--{}", argument.get_long().unwrap()));
    }
    words
}

#[test]
fn every_command_and_every_variable_is_one_of_the_binary() {
    for files in [DEMO, PRODUCTION] {
        let compose = Compose::read(files);
        let ours: Vec<_> = compose.containers.iter().filter(|(_, container)| container.is_historia()).collect();
        assert_eq!(ours.len(), 8, "five services and three that run once");
        for (name, container) in ours {
            let words = with_flags(name, container);
            Cli::try_parse_from(&words).unwrap_or_else(|error| panic!("{name}: {words:?}: {error}"));
        }
    }
}

#[test]
fn every_service_has_a_container_of_its_own() {
    let compose = Compose::read(DEMO);
    let services = [
        service_users::NAME,
        service_results::NAME,
        service_notifications::NAME,
        service_saga_log::NAME,
        service_bff::NAME,
    ];
    for service in services {
        let name = service.replace('_', "-");
        let container = compose.containers.get(&name).unwrap_or_else(|| panic!("{service} has no container"));
        assert_eq!(container.command, [name]);
    }
}

#[test]
fn every_service_is_asked_for_its_health_where_it_listens() {
    for files in [DEMO, PRODUCTION] {
        for (name, container) in Compose::read(files).containers {
            let listens = ["HISTORIA_INTERNAL_LISTEN", "HISTORIA_LISTEN"].map(|name| container.environment.get(name));
            let Some(address) = listens.into_iter().flatten().next() else { continue };
            let [cmd, binary, words @ ..] = container.health.as_slice() else { panic!("{name} has no health check") };
            assert_eq!((cmd.as_str(), binary.as_str()), ("CMD", "/usr/local/bin/historia"));
            let parsed = Cli::try_parse_from([binary].into_iter().chain(words));
            assert!(parsed.is_ok(), "{name}: {words:?}");
            let (_, port) = address.rsplit_once(':').unwrap();
            assert!(words.last().unwrap().starts_with(&format!("http://127.0.0.1:{port}/")), "{name}: {words:?}");
        }
    }
}

#[test]
fn every_variable_is_in_the_example() {
    let example = std::fs::read_to_string(at_root(".env.example")).unwrap();
    let listed: BTreeSet<&str> = example
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name.trim_start_matches('#').trim())
        .collect();
    let mut wanted: BTreeSet<String> = BTreeSet::new();
    for files in [DEMO, PRODUCTION] {
        let compose = Compose::read(files);
        wanted.extend(compose.variables);
        for container in compose.containers.values().filter(|container| container.is_historia()) {
            wanted.extend(container.environment.keys().cloned());
        }
    }
    settings(&Cli::command(), &mut wanted);
    for name in &wanted {
        assert!(listed.contains(name.as_str()), "{name} is not in .env.example");
    }
}

/// Every variable that a command or one below it reads.
fn settings(command: &clap::Command, found: &mut BTreeSet<String>) {
    found.extend(command.get_arguments().filter_map(|argument| Some(argument.get_env()?.to_str()?.to_owned())));
    command.get_subcommands().for_each(|below| settings(below, found));
}

#[test]
fn ports_are_published_once_and_on_the_loopback_address() {
    let compose = Compose::read(DEMO);
    let mut published = BTreeSet::new();
    for (name, container) in &compose.containers {
        for port in &container.ports {
            let host =
                port.strip_prefix("127.0.0.1:").unwrap_or_else(|| panic!("{name} publishes {port} to everybody"));
            let (host, _) = host.split_once(':').unwrap();
            assert!(published.insert(host.to_owned()), "port {host} is published twice");
        }
    }
    for name in ["pulsar", "postgres", "users", "results", "notifications", "saga-log"] {
        assert!(compose.containers[name].ports.is_empty(), "{name} is reached from inside alone");
    }
}

#[test]
fn images_are_pinned() {
    for (name, container) in Compose::read(PRODUCTION).containers {
        let (_, version) = container.image.split_once(':').unwrap_or_else(|| panic!("{name} has no version"));
        let digits = version.trim_start_matches('v').split('.').filter(|part| part.parse::<u32>().is_ok()).count();
        assert!(digits >= 2, "{name}: {version} moves");
    }
    let dockerfile = std::fs::read_to_string(at_root("Dockerfile")).unwrap();
    let mut stages = 0;
    for line in dockerfile.lines().filter_map(|line| line.strip_prefix("FROM ")) {
        let (_, version) = line.split_whitespace().next().unwrap().split_once(':').unwrap();
        assert!(version.starts_with(|first: char| first.is_ascii_digit()) && version.contains('.'), "{line}");
        stages += 1;
    }
    assert_eq!(stages, 2);
    let compiler = std::fs::read_to_string(at_root("rust-toolchain.toml")).unwrap();
    let compiler: toml::Table = compiler.parse().unwrap();
    let channel = compiler["toolchain"]["channel"].as_str().unwrap();
    assert!(dockerfile.contains(&format!("FROM rust:{channel}-slim-")), "the image is built with {channel}");
    assert!(dockerfile.contains("USER 65532:65532"), "nothing runs as root");
    let version = format!("historia:{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(Compose::read(DEMO).containers["users"].image, version);
    assert!(Compose::read(DEMO).containers["pulsar"].image.ends_with(infra_runtime::pulsar::VERSION));
}

#[test]
fn nobody_waits_for_anything_but_what_runs_once() {
    for files in [DEMO, PRODUCTION] {
        let compose = Compose::read(files);
        for (name, container) in &compose.containers {
            for (before, condition) in &container.depends_on {
                assert_eq!(condition, "service_completed_successfully", "{name} waits for {before}");
                assert!(["secrets", "migrations", "topics"].contains(&before.as_str()), "{name} waits for {before}");
            }
        }
    }
}

#[test]
fn every_container_has_its_own_secrets_alone() {
    let compose = Compose::read(DEMO);
    let mounted = |name: &str| compose.containers[name].mounts.get("/run/historia/secrets").cloned();
    for name in ["users", "results", "notifications", "saga-log", "bff", "postgres"] {
        assert_eq!(mounted(name), Some(format!("secrets-{name}")));
    }
    assert_eq!(mounted("pulsar"), Some("secrets-broker".to_owned()));
    for (name, container) in &compose.containers {
        let operator = container.mounts.values().any(|source| source == "secrets-operator");
        assert!(!operator || ["secrets", "migrations"].contains(&name.as_str()), "{name} has everybody's secrets");
    }
    for (name, container) in Compose::read(PRODUCTION).containers {
        for (target, source) in container.mounts.iter().filter(|(target, _)| *target == "/run/historia/secrets") {
            assert!(source.starts_with(PREPARED), "{name} has {source} of the demo at {target}");
        }
    }
}

/// The folders that `secrets create` makes are the ones that the image has places for, and that are mounted.
#[test]
fn every_folder_of_secrets_has_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let made = Command::new(HISTORIA)
        .args(["secrets", "create", "--directory"])
        .arg(directory.path().join("secrets"))
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(made.success());
    let made: BTreeSet<String> = std::fs::read_dir(directory.path().join("secrets"))
        .unwrap()
        .map(|folder| format!("/var/lib/historia/secrets/{}", folder.unwrap().file_name().display()))
        .collect();
    let dockerfile = std::fs::read_to_string(at_root("Dockerfile")).unwrap();
    let words = dockerfile.split_whitespace();
    let placed: BTreeSet<String> =
        words.filter(|word| word.starts_with("/var/lib/historia/secrets/")).map(ToOwned::to_owned).collect();
    assert_eq!(made, placed);
    for files in [DEMO, PRODUCTION] {
        let mounts = Compose::read(files).containers["secrets"].mounts.clone();
        assert_eq!(mounts.into_keys().collect::<BTreeSet<_>>(), made);
    }
}

#[test]
fn in_production_a_container_can_change_nothing_of_itself() {
    for (name, container) in Compose::read(PRODUCTION).containers.iter().filter(|(name, _)| *name != "mail") {
        let says = |field: &str, value: serde_json::Value| container.whole.get(field) == Some(&value);
        assert!(says("cap_drop", serde_json::json!(["ALL"])), "{name} keeps capabilities");
        assert!(says("security_opt", serde_json::json!(["no-new-privileges:true"])), "{name} may gain privileges");
        // Pulsar writes its configuration at the start.
        assert!(says("read_only", true.into()) || name == "pulsar", "{name} can write to its image");
    }
    assert_eq!(Compose::read(PRODUCTION).containers["mail"].whole["profiles"], serde_json::json!(["never"]));
}

/// Whoever may produce may register schemas there, so a service's token alone must not be enough.
#[test]
fn in_production_nobody_but_topics_reaches_the_brokers_admin_interface() {
    let containers = Compose::read(PRODUCTION).containers;
    let pulsar = &containers["pulsar"];
    let says = |name: &str| pulsar.environment[&format!("PULSAR_PREFIX_{name}")].as_str();
    assert_eq!((says("bindAddress"), says("webServicePortTls")), ("127.0.0.1", "8443"));
    assert_eq!((says("webServicePort"), says("brokerServicePort")), ("", ""), "nothing in clear");
    assert_eq!(says("bindAddresses"), "internal:pulsar+ssl://0.0.0.0:6651", "clients alone come from elsewhere");
    // To itself, and to who shares its network, it is on that address.
    assert_eq!(pulsar.whole["extra_hosts"], serde_json::json!(["pulsar:127.0.0.1"]));
    for (name, container) in &containers {
        let shares = container.whole.get("network_mode").is_some_and(|mode| mode == "service:pulsar");
        assert_eq!(shares, name == "topics", "{name}");
        let told = container.environment.contains_key("HISTORIA_BROKER_ADMIN");
        assert_eq!(told, name == "topics", "{name}");
    }
    assert_eq!(containers["topics"].environment["HISTORIA_BROKER_ADMIN"], "https://pulsar:8443");
}

/// The binary itself judges the settings: it gets as far as the secrets, which are not there.
#[test]
fn the_settings_of_production_keep_the_rules_of_production() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().to_str().unwrap();
    let mail = directory.path().join("smtp-url");
    std::fs::write(&mail, "smtps://user:password@mail.example:465\n").unwrap();
    std::fs::set_permissions(&mail, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(directory.path().join("authority.pem"), infra_testkit::tls::Authority::new().pem()).unwrap();
    let (demo, production) = (Compose::read(DEMO), Compose::read(PRODUCTION));
    for name in ["users", "results", "notifications", "saga-log", "bff"] {
        let of = |compose: &Compose| refusal(&compose.containers[name], place);
        assert!(of(&production).contains("secrets is missing"), "{name}: {}", of(&production));
        // The demo's settings with the profile of production alone are refused.
        let mut weak = demo.containers[name].clone();
        weak.environment.insert("HISTORIA_PROFILE".into(), "production".into());
        let refused = refusal(&weak, place);
        assert!(refused.contains("in production"), "{name}: {refused}");
    }
}

fn refusal(container: &Container, place: &str) -> String {
    let environment: BTreeMap<_, _> = container
        .environment
        .iter()
        .map(|(name, value)| (name, value.replace("/run/historia/", &format!("{place}/"))))
        .collect();
    let output = Command::new(HISTORIA)
        .args(&container.command)
        .env_clear()
        .envs(environment)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}
