//! A mailer that sends nothing.
use super::lock;
use domain_kernel::BoxFuture;
use domain_kernel::ports::{Mail, MailError, Mailer};
use std::collections::VecDeque;
use std::sync::Mutex;

/// Remembers what it was given, and fails when it is told to.
#[derive(Debug, Default)]
pub struct MemoryMailer {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    sent: Vec<Mail>,
    attempts: usize,
    next: VecDeque<MailError>,
    always: Option<MailError>,
}

impl MemoryMailer {
    /// Takes every mail.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What was handed over, in order; the same mail twice when it was handed over twice.
    #[must_use]
    pub fn sent(&self) -> Vec<Mail> {
        lock(&self.state).sent.clone()
    }

    /// How often it was called, failures included.
    #[must_use]
    pub fn attempts(&self) -> usize {
        lock(&self.state).attempts
    }

    /// The next call (after those that were asked for before) fails with `error`.
    pub fn fail_next(&self, error: MailError) {
        lock(&self.state).next.push_back(error);
    }

    /// Every call fails with `error` from now on; none does with `None`.
    pub fn fail_always(&self, error: Option<MailError>) {
        lock(&self.state).always = error;
    }
}

impl Mailer for MemoryMailer {
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), MailError>> {
        Box::pin(async move {
            let mut state = lock(&self.state);
            state.attempts += 1;
            if let Some(error) = state.next.pop_front().or_else(|| state.always.clone()) {
                return Err(error);
            }
            if !is_address(&mail.to) {
                return Err(MailError::Permanent { code: "malformed_address".to_owned() });
            }
            state.sent.push(mail.clone());
            Ok(())
        })
    }
}

/// As strict as a test needs: one `@` with something on both sides, nothing that breaks a header.
fn is_address(text: &str) -> bool {
    let plain = !text.chars().any(|character| character.is_whitespace() || character.is_control());
    plain
        && matches!(text.split('@').collect::<Vec<_>>()[..], [local, domain] if !local.is_empty() && !domain.is_empty())
}
