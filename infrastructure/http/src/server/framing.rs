//! Watches the raw bytes of a connection for a request that says its length twice.
//!
//! hyper reads such a request by `Transfer-Encoding` and drops `Content-Length` unseen. A server before us may have read it
//! the other way, and then the two disagree about where the next request begins: request smuggling. So it is refused
//! (RFC 9112 §6.1), and to see it the headers are looked at here, before hyper. This finds heads; hyper still parses them.

/// A head longer than this is not looked at any further; hyper refuses it.
const MAXIMUM_HEAD: usize = 64 * 1024;

/// Follows one connection.
#[derive(Debug, Default)]
pub(super) struct Framing {
    head: Vec<u8>,
    body_left: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Reading,
    /// A chunked body: the connection ends after its request, so nothing more is looked at.
    Chunked,
    /// Two lengths.
    Ambiguous,
    /// Nothing that we understand; hyper will refuse it.
    Lost,
}

impl Framing {
    /// Whether a request with two lengths was seen.
    pub(super) fn is_ambiguous(&self) -> bool {
        self.state == State::Ambiguous
    }

    /// Whether a request with a chunked body was seen: its connection must end with it.
    pub(super) fn is_chunked(&self) -> bool {
        self.state == State::Chunked
    }

    /// Looks at the next bytes that came in.
    pub(super) fn observe(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.state == State::Reading {
            if self.body_left > 0 {
                let taken = usize::try_from(self.body_left).unwrap_or(usize::MAX).min(bytes.len());
                self.body_left -= taken as u64;
                bytes = &bytes[taken..];
                continue;
            }
            // Line ends before a request are skipped, as hyper does (RFC 9112 §2.2).
            if self.head.is_empty() && matches!(bytes[0], b'\r' | b'\n') {
                bytes = &bytes[1..];
                continue;
            }
            let before = self.head.len();
            self.head.extend_from_slice(bytes);
            match end_of_head(&self.head, before) {
                Some(end) => {
                    bytes = &bytes[end - before..];
                    let head = std::mem::take(&mut self.head);
                    self.judge(&head[..end]);
                }
                None if self.head.len() > MAXIMUM_HEAD => self.state = State::Lost,
                None => return,
            }
        }
    }

    fn judge(&mut self, head: &[u8]) {
        let (mut length, mut chunked) = (None, false);
        for line in head.split(|byte| *byte == b'\n').skip(1) {
            let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
            let (name, value) = (line[..colon].trim_ascii(), line[colon + 1..].trim_ascii());
            if name.eq_ignore_ascii_case(b"content-length") {
                length = Some(std::str::from_utf8(value).ok().and_then(|text| text.parse::<u64>().ok()));
            } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
                chunked = true;
            }
        }
        match (length, chunked) {
            (Some(_), true) => self.state = State::Ambiguous,
            (None, true) => self.state = State::Chunked,
            (Some(Some(length)), false) => self.body_left = length,
            (Some(None), false) => self.state = State::Lost,
            (None, false) => {}
        }
    }
}

/// Where the head ends: after its first empty line. Bytes before `from` were looked at already.
fn end_of_head(head: &[u8], from: usize) -> Option<usize> {
    // An empty line may begin in the bytes of before.
    let start = from.saturating_sub(3);
    (start..head.len()).find_map(|at| {
        let rest = &head[at..];
        if rest.starts_with(b"\n\r\n") {
            Some(at + 3)
        } else if rest.starts_with(b"\n\n") {
            Some(at + 2)
        } else {
            None
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const AMBIGUOUS: [&str; 4] = [
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
        "POST / HTTP/1.1\nHost: a\ntransfer-encoding:chunked\nCONTENT-LENGTH:5\n\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\nContent-Length: x\r\n\r\n",
    ];

    #[test]
    fn two_lengths_are_seen_in_either_order_however_the_bytes_arrive() {
        for request in AMBIGUOUS {
            for piece in [1, 2, 3, 7, 1000] {
                let mut framing = Framing::default();
                for bytes in request.as_bytes().chunks(piece) {
                    framing.observe(bytes);
                }
                assert!(framing.is_ambiguous(), "{request} in pieces of {piece}");
            }
        }
    }

    #[test]
    fn two_lengths_are_seen_in_a_later_request_of_the_connection() {
        let mut framing = Framing::default();
        framing.observe(b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n\r\n");
        assert!(!framing.is_ambiguous());
        framing.observe(AMBIGUOUS[1].as_bytes());
        assert!(framing.is_ambiguous());
    }

    #[test]
    fn a_body_that_looks_like_headers_is_none() {
        let mut framing = Framing::default();
        let body = AMBIGUOUS[0];
        framing.observe(format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
        assert!(!framing.is_ambiguous() && !framing.is_chunked());
        framing.observe(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
        assert!(framing.is_chunked() && !framing.is_ambiguous());
    }
}
