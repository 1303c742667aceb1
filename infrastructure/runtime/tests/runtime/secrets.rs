//! Secrets in files: nobody else may read them, and nothing is read that others could.
use infra_runtime::secrets::{SecretError, SecretsDirectory, read_file};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

#[test]
fn a_secret_is_made_at_its_first_use_and_stays() {
    let parent = tempfile::tempdir().unwrap();
    let place = parent.path().join("secrets");
    let secrets = SecretsDirectory::open(&place).unwrap();
    let key = secrets.bytes32("claims.key").unwrap();
    assert_ne!(key, [0; 32]);
    assert_eq!(SecretsDirectory::open(&place).unwrap().bytes32("claims.key").unwrap(), key);
    assert_ne!(secrets.bytes32("other.key").unwrap(), key);
    assert_eq!((mode(&place), mode(&secrets.file("claims.key"))), (0o700, 0o600));
}

#[test]
fn a_secret_that_is_kept_is_never_written_again() {
    let parent = tempfile::tempdir().unwrap();
    let secrets = SecretsDirectory::open(&parent.path().join("secrets")).unwrap();
    assert_eq!(secrets.store("password", "first").unwrap(), "first");
    assert_eq!(secrets.store("password", "second").unwrap(), "first");
    assert_eq!(secrets.text("password").unwrap(), "first");
    assert_eq!(fs::read_dir(secrets.path()).unwrap().count(), 1, "no draft stays behind");
}

#[test]
fn many_that_make_the_same_secret_at_once_get_the_same() {
    let parent = tempfile::tempdir().unwrap();
    let secrets = SecretsDirectory::open(&parent.path().join("secrets")).unwrap();
    let keys: Vec<[u8; 32]> = std::thread::scope(|scope| {
        let makers: Vec<_> = (0..8).map(|_| scope.spawn(|| secrets.bytes32("shared.key").unwrap())).collect();
        makers.into_iter().map(|maker| maker.join().unwrap()).collect()
    });
    assert!(keys.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn a_file_that_others_may_read_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let secrets = SecretsDirectory::open(&parent.path().join("secrets")).unwrap();
    secrets.bytes32("claims.key").unwrap();
    fs::set_permissions(secrets.file("claims.key"), Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(secrets.bytes32("claims.key"), Err(SecretError::Exposed { .. })));
    let error = read_file(&secrets.file("claims.key")).unwrap_err().to_string();
    assert!(error.contains("chmod 600"), "{error}");
}

#[test]
fn a_directory_that_others_may_enter_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let place = parent.path().join("secrets");
    SecretsDirectory::open(&place).unwrap();
    fs::set_permissions(&place, Permissions::from_mode(0o750)).unwrap();
    assert!(matches!(SecretsDirectory::open(&place), Err(SecretError::Exposed { .. })));
}

#[test]
fn a_directory_that_must_be_there_is_never_filled() {
    let parent = tempfile::tempdir().unwrap();
    let place = parent.path().join("secrets");
    assert!(matches!(SecretsDirectory::existing(&place), Err(SecretError::Missing { .. })));
    SecretsDirectory::open(&place).unwrap();
    let secrets = SecretsDirectory::existing(&place).unwrap();
    assert!(matches!(secrets.text("password"), Err(SecretError::Missing { .. })));
    assert_eq!(fs::read_dir(&place).unwrap().count(), 0);
}

#[test]
fn a_key_of_another_form_is_refused_without_showing_it() {
    let parent = tempfile::tempdir().unwrap();
    let secrets = SecretsDirectory::open(&parent.path().join("secrets")).unwrap();
    secrets.store("claims.key", "hunter2").unwrap();
    let error = secrets.bytes32("claims.key").unwrap_err();
    assert!(matches!(error, SecretError::Malformed { .. }));
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[test]
fn a_name_that_leads_out_of_the_directory_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let secrets = SecretsDirectory::open(&parent.path().join("secrets")).unwrap();
    for name in ["../outside", "/etc/passwd", "", ".hidden", "a/b"] {
        assert!(matches!(secrets.text(name), Err(SecretError::Name { .. })), "{name}");
    }
}
