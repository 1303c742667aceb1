//! The pages, in one table: where each is, and who may see it.
use axum::http::Method;
use domain_kernel::Role;
use infra_http::{Access, ServiceApi};

/// What answers a browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    /// What there is.
    Home,
    /// The form to sign in with.
    SignIn,
    /// The same, sent.
    SignInForm,
    /// The button that signs out, pressed.
    SignOutForm,
    /// The form to choose another password with.
    OwnPassword,
    /// The same, sent.
    OwnPasswordForm,
    /// What happened in every saga.
    SagaList,
    /// What is new or changed there, as it happens.
    SagaLive,
    /// One event with its saga.
    SagaShow,
    /// An operator's wish to try again.
    SagaRetryForm,
    /// An operator's wish to leave it be.
    SagaSkipForm,
    /// Every event type.
    Events,
    /// How the platform stands.
    Operations,
    /// What an operator asks for there.
    OperatorForm,
}

/// Who may see a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    /// It is a page beside what programs get at the same address, whose line in the table holds.
    AsPrograms,
    /// It is for people alone.
    These(Access),
    /// It is for people alone: those who may `GET` this address.
    ReadersOf(&'static str),
}

/// Who looks after the platform.
const OPERATORS: &[Role] = &[Role::Administrator];

const TABLE: &[(Method, &str, Page, Who)] = &[
    (Method::GET, "/", Page::Home, Who::AsPrograms),
    (Method::GET, "/sign-in", Page::SignIn, Who::These(Access::Public)),
    (Method::POST, "/sign-in", Page::SignInForm, Who::These(Access::Public)),
    (Method::POST, "/sign-out", Page::SignOutForm, Who::These(Access::Public)),
    (Method::GET, "/password", Page::OwnPassword, Who::These(Access::SignedIn)),
    (Method::POST, "/password", Page::OwnPasswordForm, Who::These(Access::SignedIn)),
    (Method::GET, "/saga/logs", Page::SagaList, Who::AsPrograms),
    (Method::GET, "/saga/logs/live", Page::SagaLive, Who::ReadersOf("/saga/logs")),
    (Method::GET, "/saga/logs/{id}", Page::SagaShow, Who::AsPrograms),
    (Method::POST, "/saga/logs/{id}/retry", Page::SagaRetryForm, Who::AsPrograms),
    (Method::POST, "/saga/logs/{id}/skip", Page::SagaSkipForm, Who::AsPrograms),
    (Method::GET, "/ops", Page::Operations, Who::These(Access::Roles(OPERATORS))),
    (Method::POST, "/ops/projections/{service}/{name}/pause", Page::OperatorForm, Who::AsPrograms),
    (Method::POST, "/ops/projections/{service}/{name}/resume", Page::OperatorForm, Who::AsPrograms),
    (Method::POST, "/dead-letters/{id}/retry", Page::OperatorForm, Who::AsPrograms),
    (Method::POST, "/dead-letters/{id}/skip", Page::OperatorForm, Who::AsPrograms),
    (Method::GET, "/docs/events", Page::Events, Who::These(Access::Public)),
];

impl Page {
    /// The page at a matched path. `HEAD` is `GET`.
    pub(crate) fn find(method: &Method, path: &str) -> Option<Self> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        TABLE.iter().find(|(listed, at, ..)| listed == method && *at == path).map(|(_, _, page, _)| *page)
    }

    /// In which part of the pages it is, for the navigation.
    pub(crate) fn section(self) -> &'static str {
        match self {
            Self::Home => "home",
            Self::Events => "events",
            Self::Operations | Self::OperatorForm => "operations",
            Self::OwnPassword | Self::OwnPasswordForm => "password",
            Self::SignIn | Self::SignInForm | Self::SignOutForm => "sign-in",
            Self::SagaList | Self::SagaLive | Self::SagaShow | Self::SagaRetryForm | Self::SagaSkipForm => "sagas",
        }
    }

    /// Whether it takes what a form sent. Its answer leads on to another page.
    pub(crate) fn takes_a_form(self) -> bool {
        TABLE.iter().any(|(method, _, page, _)| *page == self && *method == Method::POST)
    }

    /// Whether there is nothing for programs at its address.
    pub(crate) fn is_for_people_alone(self) -> bool {
        TABLE.iter().any(|(_, _, page, who)| *page == self && *who != Who::AsPrograms)
    }
}

/// The pages for people alone, with who may see them: lines of the authorization table.
pub(crate) fn rows(services: &[ServiceApi]) -> impl Iterator<Item = (Method, &'static str, Access)> + '_ {
    TABLE.iter().filter_map(|(method, path, _, who)| {
        let access = match who {
            Who::AsPrograms => return None,
            Who::These(access) => *access,
            Who::ReadersOf(path) => {
                let mut routes = services.iter().flat_map(|api| &api.routes);
                routes.find(|route| route.method == Method::GET && route.path == *path)?.access
            }
        };
        Some((method.clone(), *path, access))
    })
}
