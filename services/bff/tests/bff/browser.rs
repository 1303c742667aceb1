//! A browser, as far as these tests need one: it keeps cookies, sends forms from the pages that it got, and follows.
use crate::support::{Fixture, text};
use crate::upstreams::PASSWORD;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, Response, StatusCode, header};
use domain_kernel::Role;
use std::collections::BTreeMap;

/// What Firefox sends.
pub(crate) const ACCEPT: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const ORIGIN: &str = "http://localhost:8080";

pub(crate) struct Browser<'f> {
    fixture: &'f Fixture,
    pub(crate) cookies: BTreeMap<String, String>,
}

/// What a browser got.
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Got {
    pub(crate) fn location(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.body);
        self.headers[header::LOCATION].to_str().unwrap()
    }

    /// The token in the page's first form.
    pub(crate) fn form_token(&self) -> String {
        let (_, rest) = self.body.split_once("name=\"form_token\" value=\"").unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    }
}

impl<'f> Browser<'f> {
    pub(crate) fn new(fixture: &'f Fixture) -> Self {
        Self { fixture, cookies: BTreeMap::new() }
    }

    /// Signed in as the account of that role.
    pub(crate) async fn signed_in(fixture: &'f Fixture, role: Role) -> Self {
        let mut browser = Self::new(fixture);
        let got = browser.sign_in(role.name(), PASSWORD, "/").await;
        assert_eq!(got.location(), "/");
        browser
    }

    pub(crate) async fn sign_in(&mut self, username: &str, password: &str, next: &str) -> Got {
        let token = self.get("/sign-in").await.form_token();
        let fields = [("form_token", &*token), ("username", username), ("password", password), ("next", next)];
        self.post("/sign-in", &fields).await
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> axum::http::request::Builder {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let builder = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost:8080")
            .header(header::ACCEPT, ACCEPT);
        if cookies.is_empty() { builder } else { builder.header(header::COOKIE, cookies.join("; ")) }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Got {
        let request = self.request(Method::GET, path).body(Body::empty()).unwrap();
        self.send(request).await
    }

    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Got {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self
            .request(Method::POST, path)
            .header(header::ORIGIN, ORIGIN)
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body.into())
            .unwrap();
        self.send(request).await
    }

    pub(crate) async fn send(&mut self, request: Request) -> Got {
        let response: Response<Body> = self.fixture.send(request).await;
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let (value, attributes) = rest.split_once(';').unwrap();
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let (status, headers) = (response.status(), response.headers().clone());
        Got { status, headers, body: text(response).await }
    }
}
