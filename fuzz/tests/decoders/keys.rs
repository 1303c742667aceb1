//! Master keys in their files: keys, all of them, or an error; never some of them.
use bolero::check;
use domain_kernel::ports::Purpose;
use fuzz::{hostile, tried, within_bounds};
use infra_vault::{MasterKey, MasterKeys};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

fn is_key(line: &str) -> bool {
    line.len() == 64 && line.bytes().all(|digit| digit.is_ascii_hexdigit())
}

#[test]
fn a_file_holds_keys_and_nothing_else_or_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master-clinical.key");
    std::fs::write(&path, "").unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let line = "0123456789abcdef".repeat(4);
    let genuine = [line.clone(), format!("{line}\n"), format!("{line}\r\n\n{}\n", line.to_uppercase())];
    let genuine = genuine.map(String::into_bytes);
    check!().with_iterations(5_000).with_max_len(256).for_each(tried(|input| {
        let bytes = hostile(input, &genuine);
        std::fs::write(&path, &bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap_or_default();
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
        let holds_keys = lines.peek().is_some() && lines.all(is_key);
        let read = within_bounds(|| MasterKeys::read(folder.path(), &[Purpose::Clinical]));
        assert_eq!(read.is_ok(), holds_keys, "{text:?}");
        assert_eq!(MasterKey::from_hex(&text).is_ok(), is_key(&text), "{text:?}");
        if let (Ok(small), Ok(large)) = (MasterKey::from_hex(&text), MasterKey::from_hex(&text.to_uppercase())) {
            assert_eq!(small.id(), large.id());
        }
    }));
}
