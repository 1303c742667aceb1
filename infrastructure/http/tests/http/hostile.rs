//! A corpus of what attackers and broken clients send over plain sockets.
//!
//! What always holds: it is answered with 4xx or not at all, the connection ends within the limits, no handler that
//! counts is reached, and whoever plays by the rules is answered as before.
use crate::server::{Running, SOON, limits, running, status};
use infra_http::Limits;
use infra_http::json::MAXIMUM_BODY;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const GOOD: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/// A request in which one thing is wrong: its head with `lines` after the host, and `body`.
fn post(lines: &str, body: &str) -> Vec<u8> {
    format!("POST /read HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n{body}").into_bytes()
}

fn get(line: &[u8]) -> Vec<u8> {
    [b"GET / HTTP/1.1\r\nHost: a\r\n", line, b"\r\n\r\n"].concat()
}

/// Each is refused whatever comes after it.
fn corpus() -> Vec<(&'static str, Vec<u8>)> {
    let raw = |bytes: &[u8]| bytes.to_vec();
    vec![
        ("both lengths", post("Content-Length: 3\r\nTransfer-Encoding: chunked", "0\r\n\r\n")),
        ("both lengths, the other way round", post("Transfer-Encoding: chunked\r\nContent-Length: 3", "0\r\n\r\n")),
        ("both lengths, in other letters", post("content-LENGTH:3\r\ntransfer-ENCODING:\tCHUNKED ", "0\r\n\r\n")),
        ("both lengths, one of them no number", post("Content-Length: x\r\nTransfer-Encoding: chunked", "0\r\n\r\n")),
        ("both lengths, one of them empty", post("Content-Length:\r\nTransfer-Encoding: chunked", "0\r\n\r\n")),
        ("two different lengths", post("Content-Length: 3\r\nContent-Length: 4", "abcd")),
        ("two different lengths, the shorter last", post("Content-Length: 4\r\nContent-Length: 3", "abcd")),
        ("a list of lengths", post("Content-Length: 3, 4", "abcd")),
        ("an empty length", post("Content-Length:", "abc")),
        ("a length with a sign", post("Content-Length: +3", "abc")),
        ("a negative length", post("Content-Length: -3", "abc")),
        ("a hexadecimal length", post("Content-Length: 0x3", "abc")),
        ("a length with a point", post("Content-Length: 3.0", "abc")),
        ("a length beyond 64 bits", post("Content-Length: 18446744073709551619", "abc")),
        ("the largest length of 64 bits", post("Content-Length: 18446744073709551615", "abc")),
        ("a length with another digit in it", post("Content-Length: \u{0663}", "abc")),
        ("a folded length", post("Content-Length:\r\n 3", "abc")),
        ("a length with space before the colon", post("Content-Length : 3", "abc")),
        ("an encoding with space before the colon", post("Transfer-Encoding : chunked", "0\r\n\r\n")),
        ("an unknown encoding", post("Transfer-Encoding: gzip", "abc")),
        ("an encoding that is not the last", post("Transfer-Encoding: chunked, identity", "0\r\n\r\n")),
        ("an encoding that is none", post("Transfer-Encoding: identity", "abc")),
        ("an encoding that only looks like one", post("Transfer-Encoding: xchunked", "0\r\n\r\n")),
        ("an encoding behind a vertical tab", post("Transfer-Encoding: \u{b}chunked", "0\r\n\r\n")),
        ("an empty encoding", post("Transfer-Encoding:", "0\r\n\r\n")),
        ("an encoding in HTTP/1.0", raw(b"POST /read HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")),
        ("a chunk without size", post("Transfer-Encoding: chunked", "\r\nabc\r\n0\r\n\r\n")),
        ("a chunk with a negative size", post("Transfer-Encoding: chunked", "-1\r\nabc\r\n0\r\n\r\n")),
        ("a chunk with a prefixed size", post("Transfer-Encoding: chunked", "0x3\r\nabc\r\n0\r\n\r\n")),
        ("a chunk whose size is no number", post("Transfer-Encoding: chunked", "xyz\r\nabc\r\n0\r\n\r\n")),
        ("a chunk beyond 64 bits", post("Transfer-Encoding: chunked", "10000000000000003\r\nabc\r\n0\r\n\r\n")),
        ("a chunk as long as 64 bits can say", post("Transfer-Encoding: chunked", "ffffffffffffffff\r\nabc")),
        ("a chunk that is longer than its size", post("Transfer-Encoding: chunked", "3\r\nabcdef\r\n0\r\n\r\n")),
        ("a chunk that ends with a bare line feed", post("Transfer-Encoding: chunked", "3\r\nabc\n0\r\n\r\n")),
        ("a chunk size that ends with a bare line feed", post("Transfer-Encoding: chunked", "3\nabc\r\n0\r\n\r\n")),
        ("a chunk with a NUL in its size", post("Transfer-Encoding: chunked", "3\0\r\nabc\r\n0\r\n\r\n")),
        ("an endless chunk extension", post("Transfer-Encoding: chunked", &format!("3;{}", "a".repeat(64 * 1024)))),
        ("endless trailers", post("Transfer-Encoding: chunked", &format!("0\r\n{}", "X-A: b\r\n".repeat(16 * 1024)))),
        ("a trailer that is none", post("Transfer-Encoding: chunked", "0\r\nX A\0b\r\n\r\n")),
        ("a NUL in a header's value", get(b"X-A: a\0b")),
        ("a NUL in a header's name", get(b"X-\0A: b")),
        ("a carriage return in a header's value", get(b"X-A: a\rb")),
        ("a control character in a header's value", get(b"X-A: \x07")),
        ("a header without a name", get(b": b")),
        ("a header without a colon", get(b"X-A")),
        ("a header's name with a space", get(b"X A: b")),
        ("a header's name that is no ASCII", get("X-Ñ: b".as_bytes())),
        ("a folded header", get(b"X-A: b\r\n c")),
        ("a header before which there is space", raw(b"GET / HTTP/1.1\r\n Host: a\r\n\r\n")),
        ("a NUL in the address", raw(b"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n")),
        ("a space in the address", raw(b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n")),
        ("a tab for a space", raw(b"GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n")),
        ("no host", raw(b"GET / HTTP/1.1\r\n\r\n")),
        ("two hosts", raw(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")),
        ("the same host twice", raw(b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n")),
        ("no host but in the address", raw(b"GET http://a/ HTTP/1.1\r\n\r\n")),
        (
            "an address of another scheme's",
            raw(b"GET file:///etc/passwd HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
        ),
        ("an address without a slash", raw(b"GET index HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")),
        ("no address", raw(b"GET HTTP/1.1\r\nHost: a\r\n\r\n")),
        ("a tunnel", raw(b"CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\nConnection: close\r\n\r\n")),
        ("the whole server", raw(b"OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")),
        ("HTTP/0.9", raw(b"GET /\r\n\r\n")),
        ("HTTP/0.9 said aloud", raw(b"GET / HTTP/0.9\r\n\r\n")),
        ("a version that is none", raw(b"GET / HTTP/1.2\r\nHost: a\r\n\r\n")),
        ("a version of one more digit", raw(b"GET / HTTP/1.10\r\nHost: a\r\n\r\n")),
        ("a version in small letters", raw(b"GET / http/1.1\r\nHost: a\r\n\r\n")),
        ("HTTP/2 without asking", raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")),
        ("a method that is none", raw(b"G\xc3\x89T / HTTP/1.1\r\nHost: a\r\n\r\n")),
        ("TLS where none is spoken", raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")),
        ("bytes", (0..=255).cycle().take(128 * 1024).collect()),
        ("NULs", vec![0; 128 * 1024]),
        ("an endless method", vec![b'A'; 128 * 1024]),
        ("an endless address", [b"GET /".to_vec(), vec![b'a'; 128 * 1024]].concat()),
        ("an endless header", [b"GET / HTTP/1.1\r\nHost: a\r\nX-A: ".to_vec(), vec![b'a'; 128 * 1024]].concat()),
        ("endless headers", [b"GET / HTTP/1.1\r\n".to_vec(), b"X-A: b\r\n".repeat(16 * 1024)].concat()),
        ("a header of mere names", [b"GET / HTTP/1.1\r\n".to_vec(), b"a:\r\n".repeat(4 * 1024)].concat()),
    ]
}

/// Sends everything that is taken, and reads until the connection ends, however it ends.
async fn attack(running: &Running, what: &str, bytes: &[u8]) -> String {
    let (mut reading, mut writing) = running.connect().await.into_split();
    let bytes = bytes.to_vec();
    // Who is refused may be cut off before all is sent; and goes on listening.
    let sending = tokio::spawn(async move {
        let _ = writing.write_all(&bytes).await;
        writing
    });
    let mut answer = Vec::new();
    let ended = tokio::time::timeout(SOON, reading.read_to_end(&mut answer)).await;
    assert!(ended.is_ok(), "{what}: the connection is still open: {}", String::from_utf8_lossy(&answer));
    sending.abort();
    String::from_utf8_lossy(&answer).into_owned()
}

fn is_refused(what: &str, answer: &str) {
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.") && status(answer).starts_with('4'), "{what}: {answer}");
    assert!(answer.matches("HTTP/1.").count() <= 1, "{what} is answered twice: {answer}");
}

async fn others_are_answered(running: &Running, after: &str) {
    let answer = running.exchange(GOOD).await;
    assert_eq!(status(&answer), "200", "after {after}: {answer}");
}

#[tokio::test]
async fn what_is_malformed_is_refused_and_the_next_client_is_answered() {
    let running = running(limits()).await;
    let (mut asked, corpus) = (0, corpus());
    assert!(corpus.len() > 70);
    for (what, bytes) in corpus {
        let answer = attack(&running, what, &bytes).await;
        is_refused(what, &answer);
        assert_eq!(running.requests(), asked, "{what} reached a handler");
        others_are_answered(&running, what).await;
        asked += 1;
    }
}

/// A proxy before us may take what comes after a malformed request for another client's.
#[tokio::test]
async fn nothing_that_follows_a_malformed_request_is_answered() {
    let running = running(limits()).await;
    for (what, bytes) in corpus() {
        let answer = attack(&running, what, &[&bytes, GOOD].concat()).await;
        is_refused(what, &answer);
        assert_eq!(running.requests(), 0, "what follows {what} was answered");
    }
}

#[tokio::test]
async fn a_malformed_request_that_comes_byte_by_byte_is_refused_too() {
    let running = running(limits()).await;
    for (what, bytes) in corpus().into_iter().filter(|(_, bytes)| bytes.len() < 300) {
        let (mut reading, mut writing) = running.connect().await.into_split();
        let sending = tokio::spawn(async move {
            for byte in bytes {
                if writing.write_all(&[byte]).await.is_err() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            writing
        });
        let mut answer = Vec::new();
        let ended = tokio::time::timeout(SOON, reading.read_to_end(&mut answer)).await;
        assert!(ended.is_ok(), "{what}: still open");
        sending.abort();
        is_refused(what, &String::from_utf8_lossy(&answer));
        assert_eq!(running.requests(), 0, "{what} reached a handler");
    }
}

#[tokio::test]
async fn a_body_without_end_is_cut_off_whether_it_is_read_or_not() {
    let running = running(limits()).await;
    let chunk = format!("{:x}\r\n{}\r\n", 4096, "a".repeat(4096));
    let plain = "a".repeat(4096);
    for path in ["/read", "/"] {
        for (length, piece) in [("Transfer-Encoding: chunked", &chunk), ("Content-Length: 9000000000000", &plain)] {
            let head = format!("POST {path} HTTP/1.1\r\nHost: a\r\n{length}\r\n\r\n");
            let (taken, answer) = pour(&running, &head, piece).await;
            assert!(taken, "{path} with {length} is read for ever");
            if path == "/read" {
                assert!(answer.is_empty() || status(&answer) == "413", "{answer}");
            }
        }
    }
    others_are_answered(&running, "bodies without end").await;
}

/// Whether the connection ends while `piece` is sent again and again; and what was answered.
async fn pour(running: &Running, head: &str, piece: &str) -> (bool, String) {
    let (mut reading, mut writing) = running.connect().await.into_split();
    let (head, piece) = (head.to_owned(), piece.to_owned());
    let pouring = tokio::spawn(async move {
        if writing.write_all(head.as_bytes()).await.is_err() {
            return;
        }
        while writing.write_all(piece.as_bytes()).await.is_ok() {}
    });
    let mut answer = Vec::new();
    let ended = tokio::time::timeout(SOON, reading.read_to_end(&mut answer)).await.is_ok();
    let poured = tokio::time::timeout(SOON, pouring).await.is_ok();
    (ended && poured, String::from_utf8_lossy(&answer).into_owned())
}

#[tokio::test]
async fn a_body_over_the_limit_that_is_only_announced_is_refused_at_once() {
    let running = running(limits()).await;
    let mut stream = running.connect().await;
    let head = format!("POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", MAXIMUM_BODY + 1);
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(SOON, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    assert_eq!(status(&String::from_utf8_lossy(&answer)), "413");
}

/// Many at once that send nothing, or a header's beginning, and wait.
#[tokio::test]
async fn clients_that_wait_make_room_for_others_within_the_limits() {
    let running = running(Limits { connections: 16, ..limits() }).await;
    let mut waiting: Vec<TcpStream> = Vec::new();
    for number in 0..64 {
        let mut stream = running.connect().await;
        let begun: &[u8] = [b"".as_slice(), b"G", b"GET / HTTP/1.1\r\nHost: a\r\nX-A:", b"\r\n"][number % 4];
        stream.write_all(begun).await.unwrap();
        waiting.push(stream);
    }
    let answer = tokio::time::timeout(Duration::from_secs(60), running.exchange(GOOD)).await.unwrap();
    assert_eq!(status(&answer), "200", "{answer}");
    assert_eq!(running.requests(), 1);
}

/// What is unusual and allowed has one meaning: one answer, to one request.
#[tokio::test]
async fn what_is_odd_and_allowed_is_answered_once() {
    let running = running(limits()).await;
    let odd: [&[u8]; 5] = [
        b"GET / HTTP/1.1\nHost: a\nConnection: close\n\n",
        b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET http://another.example/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nX-A: b\r\n\r\n",
    ];
    for (before, bytes) in odd.into_iter().enumerate() {
        let shown = String::from_utf8_lossy(bytes);
        let answer = attack(&running, &shown, bytes).await;
        assert_eq!(status(&answer), "200", "{shown}: {answer}");
        assert_eq!(running.requests(), before + 1, "{shown}");
    }
}
