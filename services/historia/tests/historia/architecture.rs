//! The edges between crates, read from every manifest: a forbidden dependency fails here, with the rule that forbids it.
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

struct Manifest {
    name: String,
    layer: String,
    folder: String,
    dependencies: BTreeSet<String>,
    inherits_lints: bool,
    names_versions: Vec<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn manifests() -> Vec<Manifest> {
    let mut found = Vec::new();
    for layer in ["domain", "infrastructure", "services"] {
        for entry in std::fs::read_dir(root().join(layer)).unwrap() {
            let folder = entry.unwrap().path();
            let Ok(text) = std::fs::read_to_string(folder.join("Cargo.toml")) else { continue };
            let table: toml::Table = text.parse().unwrap();
            let section = |name: &str| table.get(name).and_then(toml::Value::as_table).cloned().unwrap_or_default();
            let all = ["dependencies", "dev-dependencies", "build-dependencies"].map(section);
            let names_versions = all
                .iter()
                .flat_map(|section| section.iter())
                .filter(|(_, value)| value.get("workspace").and_then(toml::Value::as_bool) != Some(true))
                .map(|(name, _)| name.clone())
                .collect();
            found.push(Manifest {
                name: table["package"]["name"].as_str().unwrap().to_owned(),
                layer: layer.to_owned(),
                folder: folder.file_name().unwrap().to_str().unwrap().to_owned(),
                dependencies: all[0].keys().cloned().collect(),
                inherits_lints: section("lints").get("workspace").and_then(toml::Value::as_bool) == Some(true),
                names_versions,
            });
        }
    }
    assert!(found.len() >= 18, "manifests were not found: {}", found.len());
    found
}

/// Whether the crate `from` may depend on the workspace's crate `to` (DESIGN, the map).
fn allowed(from: &Manifest, to: &str) -> bool {
    let infrastructure: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("infra-gathered", &["domain-kernel"][..]),
        ("infra-vault", &["domain-kernel", "infra-gathered"]),
        ("infra-event-store", &["domain-kernel", "infra-gathered", "infra-vault"]),
        ("infra-contracts", &["domain-kernel"]),
        ("infra-disclosure", &["domain-kernel", "infra-event-store", "infra-contracts"]),
        ("infra-messaging", &["domain-kernel", "infra-event-store", "infra-contracts"]),
        ("infra-runtime", &["domain-kernel", "infra-event-store"]),
        ("infra-http", &["domain-kernel", "infra-runtime", "infra-event-store", "infra-disclosure"]),
    ]);
    match from.layer.as_str() {
        "domain" => to == "domain-kernel",
        "infrastructure" if from.name == "infra-testkit" => to == "domain-kernel" || to.starts_with("infra-"),
        "infrastructure" => infrastructure[from.name.as_str()].contains(&to),
        // For tests only, and nobody's dependency: it runs every service's own code.
        "services" if from.name == SIMULATION => to != "historia",
        "services" if from.name == "historia" => !to.starts_with("domain-") || to == "domain-kernel",
        _ => {
            let own = from.name.replace("service-", "domain-");
            to == "domain-kernel" || to == own || (to.starts_with("infra-") && to != "infra-testkit")
        }
    }
}

/// The crate that runs the platform on ports in memory.
const SIMULATION: &str = "service-simulation";

fn ours(name: &str) -> bool {
    ["domain-", "infra-", "service-"].iter().any(|layer| name.starts_with(layer))
}

#[test]
fn crates_depend_only_along_the_allowed_edges() {
    for from in manifests() {
        for to in from.dependencies.iter().filter(|name| ours(name)) {
            assert!(allowed(&from, to), "{} may not depend on {to}", from.name);
        }
    }
}

/// Whether a crate may use a library.
type Allowed = &'static dyn Fn(&Manifest) -> bool;

#[test]
fn heavy_libraries_stay_where_they_belong() {
    let places: [(&str, Allowed); 4] = [
        ("sqlx", &|crate_| {
            ["infra-event-store", "infra-vault", "infra-runtime", "infra-testkit"].contains(&crate_.name.as_str())
                || crate_.layer == "services"
        }),
        ("pulsar", &|crate_| crate_.name == "infra-messaging"),
        ("axum", &|crate_| crate_.name == "infra-http" || crate_.layer == "services"),
        ("apache-avro", &|crate_| crate_.name == "infra-contracts"),
    ];
    for crate_ in manifests() {
        for (library, may) in &places {
            assert!(!crate_.dependencies.contains(*library) || may(&crate_), "{} may not use {library}", crate_.name);
        }
    }
}

#[test]
fn the_domain_is_pure() {
    let pure = BTreeSet::from(["domain-kernel", "thiserror", "uuid"]);
    for crate_ in manifests().iter().filter(|crate_| crate_.layer == "domain") {
        for dependency in &crate_.dependencies {
            assert!(pure.contains(dependency.as_str()), "{} is no pure library for {}", dependency, crate_.name);
        }
    }
}

#[test]
fn the_testkit_is_for_tests_only() {
    for crate_ in manifests() {
        let tests = crate_.name == SIMULATION;
        assert!(tests || !crate_.dependencies.contains("infra-testkit"), "{} ships the testkit", crate_.name);
        assert!(!crate_.dependencies.contains(SIMULATION), "{} ships the simulation", crate_.name);
    }
}

#[test]
fn a_crate_is_named_after_its_layer_and_folder() {
    for crate_ in manifests() {
        let layer = match crate_.layer.as_str() {
            "infrastructure" => "infra",
            "services" => "service",
            layer => layer,
        };
        let expected = match crate_.folder.as_str() {
            "historia" => "historia".to_owned(),
            folder => format!("{layer}-{}", folder.replace('_', "-")),
        };
        assert_eq!(crate_.name, expected);
    }
}

#[test]
fn versions_and_lints_stand_in_the_workspace_alone() {
    for crate_ in manifests() {
        assert!(crate_.inherits_lints, "{} does not inherit the workspace's lints", crate_.name);
        assert_eq!(crate_.names_versions, Vec::<String>::new(), "{} names versions of its own", crate_.name);
    }
}

#[test]
fn every_dependency_has_its_reason() {
    let reasons = std::fs::read_to_string(root().join("docs/dependencies.md")).unwrap();
    let table: toml::Table = std::fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    for name in table["workspace"]["dependencies"].as_table().unwrap().keys().filter(|name| !ours(name)) {
        assert!(reasons.contains(&format!("`{name}`")), "docs/dependencies.md does not say why {name} is here");
    }
}

#[test]
fn no_file_is_longer_than_six_hundred_lines() {
    fn walk(folder: &Path, long: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, long);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let lines = std::fs::read_to_string(&path).unwrap().lines().count();
                if lines > 600 {
                    long.push(format!("{} ({lines})", path.display()));
                }
            }
        }
    }
    let mut long = Vec::new();
    for layer in ["domain", "infrastructure", "services"] {
        walk(&root().join(layer), &mut long);
    }
    assert_eq!(long, Vec::<String>::new());
}
