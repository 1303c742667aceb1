//! The HTTP base of every service: problems, tokens, limits, hardened accept loop.
//!
//! A service writes its handlers and one table of routes ([`ServiceApi`]); [`protected`] puts around them what must
//! never be forgotten: the internal token, the table's access rules, request and correlation ids, problems for every
//! error, security headers and health. The gateway is built from the same tables.
pub mod caller;
pub mod client;
pub mod context;
mod edge;
pub mod etag;
pub mod health;
pub mod json;
pub mod limit;
pub mod names;
pub mod operations;
pub mod page;
pub mod position;
pub mod problem;
mod protect;
pub mod route;
pub mod server;
pub mod tokens;

pub use caller::Caller;
pub use client::{ClientError, ServiceClient};
pub use context::{RequestContext, RequestIds};
pub use edge::{Correlation, Written, with_edge};
pub use json::{StrictJson, StrictPath, StrictQuery};
pub use operations::ServiceOperations;
pub use page::{Cursors, Page, PageQuery};
pub use position::{Freshness, Position, ReadAfter};
pub use problem::{FieldError, Problem};
pub use protect::{Edge, bearer, protected};
pub use route::{Access, Route, ServiceApi};
pub use server::{Limits, OverTls, Peer, Tls, TlsError, TlsFiles, serve, serve_tls};
pub use tokens::{Claims, KeySet, Subject, TokenSigner, TokenVerifier};
pub use utoipa::openapi::OpenApi;
