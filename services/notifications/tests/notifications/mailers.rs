//! Both mailers, by the port's conformance suite and one by one.
#[path = "smtp_server.rs"]
mod smtp_server;

use domain_kernel::ports::{Mail, MailError, Mailer};
use infra_testkit::conformance::{self, MailerUnderTest};
use service_notifications::{MailboxMailer, SmtpMailer, read_mailbox};
use smtp_server::SmtpServer;
use std::sync::Arc;

const SENDER: &str = "Historia <historia@lab.test>";

fn mail() -> Mail {
    Mail {
        message_id: "018f2f6e-0000-7000-8000-000000000000".into(),
        to: "ana@lab.test".into(),
        subject: "Aviso".into(),
        text: "Hola\n".into(),
    }
}

#[tokio::test]
async fn the_mailbox_conforms_to_the_mailer_port() {
    conformance::mailer(async || {
        let directory = Arc::new(tempfile::tempdir().unwrap());
        let mailer = Arc::new(MailboxMailer::open(directory.path(), SENDER).unwrap());
        let arrived = Box::new(move || -> domain_kernel::BoxFuture<'static, Vec<Mail>> {
            let mut mails = read_mailbox(directory.path(), 100).unwrap();
            mails.reverse();
            let mails = mails.into_iter().map(|mail| Mail {
                message_id: mail.message_id,
                to: mail.to,
                subject: mail.subject,
                text: mail.text,
            });
            let mails = mails.collect();
            Box::pin(async move { mails })
        });
        MailerUnderTest { mailer, arrived, recognises_repeated_mail: true }
    })
    .await;
}

#[tokio::test]
async fn smtp_conforms_to_the_mailer_port() {
    conformance::mailer(async || {
        let server = Arc::new(SmtpServer::start("250 ok").await);
        let mailer = Arc::new(SmtpMailer::new(&server.url(), SENDER).unwrap());
        let arrived = Box::new(move || -> domain_kernel::BoxFuture<'static, Vec<Mail>> {
            let mails = server.arrived();
            Box::pin(async move { mails })
        });
        MailerUnderTest { mailer, arrived, recognises_repeated_mail: false }
    })
    .await;
}

#[tokio::test]
async fn a_mail_server_that_refuses_for_good_is_told_from_one_that_is_busy() {
    for (reply, expected) in [
        ("550 no such user ana@lab.test", MailError::Permanent { code: "smtp_550".into() }),
        ("451 try later", MailError::Transient { code: "smtp_451".into() }),
    ] {
        let server = SmtpServer::start(reply).await;
        let mailer = SmtpMailer::new(&server.url(), SENDER).unwrap();
        assert_eq!(mailer.send(&mail()).await, Err(expected));
    }
}

#[tokio::test]
async fn a_mail_server_that_is_not_there_may_come_back() {
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let mailer = SmtpMailer::new(&format!("smtp://{nobody}"), SENDER).unwrap();
    assert_eq!(mailer.send(&mail()).await, Err(MailError::Transient { code: "smtp_connection".into() }));
}

#[tokio::test]
async fn a_mailbox_that_cannot_be_written_may_be_mended() {
    let directory = tempfile::tempdir().unwrap();
    let mailer = MailboxMailer::open(directory.path().join("mailbox"), SENDER).unwrap();
    std::fs::remove_dir(directory.path().join("mailbox")).unwrap();
    assert_eq!(mailer.send(&mail()).await, Err(MailError::Transient { code: "mailbox_not_writable".into() }));
}

#[tokio::test]
async fn a_mailbox_has_whole_mails_only() {
    let directory = tempfile::tempdir().unwrap();
    let mailer = MailboxMailer::open(directory.path(), SENDER).unwrap();
    mailer.send(&mail()).await.unwrap();
    // What a killed process left behind.
    std::fs::write(directory.path().join(".half.1.0"), "Message-").unwrap();
    let names: Vec<_> = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2);
    assert_eq!(read_mailbox(directory.path(), 100).unwrap().len(), 1);
}

#[test]
fn what_a_killed_process_left_half_written_is_removed() {
    let directory = tempfile::tempdir().unwrap();
    let (old, young) = (directory.path().join(".half.1.0"), directory.path().join(".half.2.0"));
    for half in [&old, &young] {
        std::fs::write(half, "Message-").unwrap();
    }
    let minute_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
    std::fs::File::options().write(true).open(&old).unwrap().set_modified(minute_ago).unwrap();
    MailboxMailer::open(directory.path(), SENDER).unwrap();
    assert!(!old.exists() && young.exists(), "the young one may be somebody's at work");
}
