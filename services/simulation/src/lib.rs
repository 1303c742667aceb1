//! For tests only: the whole platform in one thread, under a seeded scheduler that breaks it.
//!
//! The services' own code runs on ports in memory and in virtual time. A seed decides what clients ask for, what goes
//! wrong and in which order everything happens; the same seed decides the same every time. Afterwards nothing may be
//! lost and nothing done twice. `docs/simulation.md` says what is simulated, what is not, and how to go on with a seed
//! that fails.
mod broker;
mod client;
mod defect;
mod life;
mod operator;
mod plan;
mod platform;
mod ports;
mod random;
mod registration;
mod run;
mod search;
mod trace;
mod verdict;
mod witness;
mod world;

pub use defect::Defect;
pub use plan::{Act, Change, Command, Fault, Lost, MailFault, Place, Plan, Service, Transport, Weather};
pub use random::Random;
pub use run::{Outcome, run};
pub use search::{Found, Searched, report, search, shrink};
pub use trace::Trace;
