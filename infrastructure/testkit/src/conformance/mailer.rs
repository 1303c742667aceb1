//! The suite of [`domain_kernel::ports::Mailer`].
use domain_kernel::BoxFuture;
use domain_kernel::ports::{Mail, MailError, Mailer};
use std::sync::Arc;

/// A mailer and the other side's view of what it was given.
pub struct MailerUnderTest {
    /// The mailer.
    pub mailer: Arc<dyn Mailer>,
    /// What arrived, the oldest first.
    pub arrived: Box<dyn Fn() -> BoxFuture<'static, Vec<Mail>> + Send + Sync>,
    /// Whether the other side recognises a mail that it has by its message id.
    pub recognises_repeated_mail: bool,
}

/// Every rule of the port, on fresh mailers.
///
/// # Panics
/// When a rule does not hold.
pub async fn mailer(make: impl AsyncFn() -> MailerUnderTest) {
    super::holds("a mail that was taken arrives unchanged", a_mail_arrives_unchanged(make().await)).await;
    super::holds("mails arrive each for itself", mails_arrive_each_for_itself(make().await)).await;
    super::holds("a repeated mail keeps its message id", a_repeated_mail_keeps_its_id(make().await)).await;
    super::holds("a malformed address is refused for good", a_malformed_address_is_refused(make().await)).await;
}

fn mail(number: usize) -> Mail {
    Mail {
        message_id: format!("{number}.7c0d@historia.test"),
        to: format!("paciente-{number}@lab.test"),
        subject: "Tiene un resultado nuevo: ábralo".to_owned(),
        text: format!("Hola ñandú {number}:\n\nhttps://historia.test/r/{number}\n"),
    }
}

async fn a_mail_arrives_unchanged(under_test: MailerUnderTest) {
    assert_eq!(under_test.mailer.send(&mail(1)).await, Ok(()), "a mail is taken");
    assert_eq!((under_test.arrived)().await, [mail(1)], "a mail that was taken arrives unchanged");
}

async fn mails_arrive_each_for_itself(under_test: MailerUnderTest) {
    for number in 1..=3 {
        assert_eq!(under_test.mailer.send(&mail(number)).await, Ok(()), "a mail is taken");
    }
    let arrived = (under_test.arrived)().await;
    assert_eq!(arrived, [mail(1), mail(2), mail(3)], "mails arrive each for itself");
}

async fn a_repeated_mail_keeps_its_id(under_test: MailerUnderTest) {
    for _ in 0..2 {
        assert_eq!(under_test.mailer.send(&mail(1)).await, Ok(()), "a repeated mail is no error");
    }
    let arrived = (under_test.arrived)().await;
    assert!(arrived.iter().all(|mail| mail.message_id == self::mail(1).message_id), "a repeated mail keeps its id");
    let expected = if under_test.recognises_repeated_mail { 1 } else { 2 };
    assert_eq!(arrived.len(), expected, "how often a repeated mail arrives is as this mailer says");
}

async fn a_malformed_address_is_refused(under_test: MailerUnderTest) {
    for address in ["", "nobody", "@lab.test", "ana@", "ana soto@lab.test", "ana@lab.test\r\nBcc: all@lab.test"] {
        let sent = under_test.mailer.send(&Mail { to: address.to_owned(), ..mail(1) }).await;
        let Err(MailError::Permanent { code }) = sent else {
            panic!("a malformed address ({address:?}) is refused for good, not answered with {sent:?}");
        };
        assert!(address.is_empty() || !code.contains(address), "an error never holds the address");
    }
    assert_eq!((under_test.arrived)().await, [], "nothing arrives at a malformed address");
}
