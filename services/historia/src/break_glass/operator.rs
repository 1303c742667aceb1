//! Who sits at this machine, as the operating system knows it; not what the environment says, which anybody can set.
use std::os::unix::fs::MetadataExt;

/// The user that this process runs as, by name where there is one, with the number.
pub(super) fn user() -> String {
    let Ok(process) = std::fs::metadata("/proc/self") else { return "unknown".to_owned() };
    let uid = process.uid();
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    match name(&accounts, uid) {
        Some(name) => format!("{name} ({uid})"),
        None => uid.to_string(),
    }
}

/// The machine's name.
pub(super) fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    if name.trim().is_empty() { "unknown".to_owned() } else { name.trim().to_owned() }
}

/// The name of account number `uid` in a file as passwd(5) describes it.
fn name(accounts: &str, uid: u32) -> Option<&str> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number == uid.to_string()).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_its_number() {
        let accounts = "root:x:0:0:root:/root:/bin/bash\nbroken\nana:x:1000:1000::/home/ana:/bin/sh\n";
        assert_eq!(name(accounts, 0), Some("root"));
        assert_eq!(name(accounts, 1000), Some("ana"));
        assert_eq!(name(accounts, 100), None);
    }

    #[test]
    fn there_is_always_somebody_somewhere() {
        assert!(!user().is_empty() && !host().is_empty());
    }
}
