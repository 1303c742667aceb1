use super::*;
use domain_kernel::ports::Purpose;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

fn contents(directory: &Path) -> BTreeMap<String, (u32, String)> {
    let mut found = BTreeMap::new();
    for folder in std::fs::read_dir(directory).unwrap() {
        let folder = folder.unwrap();
        assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let file = file.unwrap();
            let name = format!("{}/{}", folder.file_name().display(), file.file_name().display());
            let mode = file.metadata().unwrap().permissions().mode() & 0o777;
            found.insert(name, (mode, std::fs::read_to_string(file.path()).unwrap()));
        }
    }
    found
}

fn created() -> (tempfile::TempDir, BTreeMap<String, (u32, String)>) {
    let directory = tempfile::tempdir().unwrap();
    create(&directory.path().join("secrets")).unwrap();
    let found = contents(&directory.path().join("secrets"));
    (directory, found)
}

#[test]
fn what_exists_is_never_written_again() {
    let (directory, first) = created();
    create(&directory.path().join("secrets")).unwrap();
    assert_eq!(contents(&directory.path().join("secrets")), first);
}

#[test]
fn only_its_owner_can_read_a_file() {
    for (name, (mode, text)) in created().1 {
        assert_eq!(mode, 0o600, "{name}");
        assert!(!text.trim().is_empty(), "{name}");
    }
}

#[test]
fn a_service_has_the_master_keys_of_its_purposes_alone() {
    let (_directory, found) = created();
    for service in crate::platform::services() {
        for purpose in Purpose::ALL {
            let has = found.contains_key(&format!("{}/master-{purpose}.key", service.name));
            assert_eq!(has, service.purposes.contains(&purpose), "{} {purpose}", service.name);
        }
    }
}

#[test]
fn nobody_has_another_ones_secrets() {
    let (_directory, found) = created();
    let holders = |file: &str| -> Vec<&str> {
        let ending = format!("/{file}");
        found.keys().filter_map(|name| name.strip_suffix(ending.as_str())).collect()
    };
    assert_eq!(holders("user-token.key"), ["operator", "users"]);
    assert_eq!(holders("gateway-token.key"), ["bff", "operator"]);
    assert_eq!(holders("administrator-password"), ["operator", "users"]);
    assert_eq!(holders("database-owner"), ["operator", "postgres"]);
    assert_eq!(holders("broker-token.key"), ["broker", "operator"]);
    assert_eq!(holders("database-keys"), ["notifications", "operator", "results", "users"]);
    assert_eq!(holders("database-results"), ["operator", "results"]);
    let token = |folder: &str| found[&format!("{folder}/broker-token")].1.clone();
    assert_ne!(token("users"), token("results"), "every service comes in its own role");
}

#[test]
fn a_check_makes_nothing_and_names_what_is_missing() {
    let (directory, _) = created();
    let root = directory.path().join("secrets");
    check(&root).unwrap();
    std::fs::remove_file(root.join("results/master-clinical.key")).unwrap();
    assert!(check(&root).unwrap_err().message.contains("master-clinical.key"));
    assert!(!root.join("results/master-clinical.key").exists());
}

#[test]
fn a_copy_that_differs_is_never_overwritten() {
    let (directory, _) = created();
    let root = directory.path().join("secrets");
    let file = root.join("results/master-contact.key");
    std::fs::write(&file, format!("{}\n", "ab".repeat(32))).unwrap();
    for refused in [create(&root), check(&root)] {
        assert!(refused.unwrap_err().message.contains("results/master-contact.key"));
    }
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("abab"));
}
