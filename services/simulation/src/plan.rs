//! What a seed asks for: how the platform is set up, what clients do, and what breaks when.
//!
//! Everything that can go wrong is a separate entry, so that a failing plan can be made smaller entry by entry. Faults
//! are placed by counting ("the third append of results"), never by time, so that a smaller plan still meets them.
use crate::random::Random;
use std::fmt;

/// A service of the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    /// Accounts.
    Users,
    /// Clinical results.
    Results,
    /// Mails.
    Notifications,
    /// The log of sagas.
    SagaLog,
}

impl Service {
    /// Every service.
    pub const ALL: [Self; 4] = [Self::Users, Self::Results, Self::Notifications, Self::SagaLog];

    /// The service's pinned name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Results => "results",
            Self::Notifications => "notifications",
            Self::SagaLog => "saga_log",
        }
    }
}

/// How messages travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// One process with every service, each subscription a reader of the producers' logs.
    Embedded,
    /// A process per service and instance, a relay each, and a broker between them.
    Broker,
}

/// A process: all services in one with [`Transport::Embedded`], otherwise an instance of one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Which service; `None` is the process that holds them all.
    pub service: Option<Service>,
    /// Which instance of it.
    pub instance: u8,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.service.map_or("platform", Service::name), self.instance)
    }
}

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// `POST /results`.
    File {
        /// Final at once, or preliminary.
        as_final: bool,
    },
    /// `PATCH /results/{id}`, once the result of the command at that index is filed.
    Change {
        /// The index of the command that files the result.
        of: usize,
        /// To what.
        change: Change,
        /// Only the version that the client saw when it was filed.
        if_match: bool,
    },
    /// `GET /results/{id}`, which leaves an event of its own.
    Read {
        /// The index of the command that files the result.
        of: usize,
    },
    /// An account is made.
    Register {
        /// Which username; two commands may want the same.
        name: u8,
    },
}

/// A change of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Released; already so when it was filed as final.
    Release,
    /// Amended.
    Amend,
    /// Corrected.
    Correct,
    /// Entered in error.
    EnterInError,
}

/// A client's command, repeated under one `Idempotency-Key` until it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    /// Its number, which stays when other commands are left out.
    pub number: usize,
    /// When it is sent for the first time, in milliseconds of virtual time.
    pub at_ms: u32,
    /// What it asks for.
    pub act: Act,
}

impl Command {
    /// The command that has to be answered before this one can be sent.
    #[must_use]
    pub fn needs(&self) -> Option<usize> {
        match self.act {
            Act::Change { of, .. } | Act::Read { of } => Some(of),
            Act::File { .. } | Act::Register { .. } => None,
        }
    }
}

/// What becomes of an append whose answer is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// It is in.
    Committed,
    /// It is not.
    NotCommitted,
    /// It comes in later, after so many milliseconds.
    Late(u32),
}

/// How the mailer fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailFault {
    /// Not now.
    Transient,
    /// Never.
    Permanent,
    /// The mail was taken, and the answer lost.
    TakenUnanswered,
    /// No answer at all.
    Silent,
}

/// One thing that goes wrong. Counts begin at 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A process dies at its n-th step (a step is an await at which it could have an effect) and is started again.
    Crash {
        /// Which.
        place: Place,
        /// At which step, counted over all its lives.
        step: u32,
        /// How long it is gone, in milliseconds.
        down_ms: u32,
    },
    /// A process stands still, as when it is stopped and continued, and knows nothing of it.
    Freeze {
        /// Which.
        place: Place,
        /// At which step.
        step: u32,
        /// How long, in milliseconds.
        ms: u32,
    },
    /// A service's database cannot be reached for a while.
    StoreDown {
        /// Whose.
        service: Service,
        /// From which call on.
        call: u32,
        /// How long, in milliseconds.
        ms: u32,
    },
    /// A call of the store takes long.
    StoreSlow {
        /// Whose.
        service: Service,
        /// Which call.
        call: u32,
        /// How long, in milliseconds.
        ms: u32,
    },
    /// The answer to an append is lost.
    CommitUnknown {
        /// Whose store.
        service: Service,
        /// Which append.
        append: u32,
        /// What became of it.
        lost: Lost,
    },
    /// An append is refused as malformed: whoever handles a message gives it up, and it becomes a dead letter.
    Refused {
        /// Whose store.
        service: Service,
        /// Which append.
        append: u32,
    },
    /// A mail fails.
    Mail {
        /// Which call of the mailer.
        call: u32,
        /// How.
        how: MailFault,
    },
    /// A client never gets the answer to its command and asks again.
    LostAnswer {
        /// Which answer.
        answer: u32,
    },
    /// A message is delivered a second time.
    Duplicate {
        /// Which delivery.
        delivery: u32,
    },
    /// A subscription breaks while it receives.
    Cut {
        /// Which call of receive.
        receive: u32,
    },
    /// An acknowledgement is lost, and its subscription with it: the message comes again.
    LostAcknowledgement {
        /// Which acknowledgement.
        acknowledgement: u32,
    },
    /// A relay is not told that its message arrived; or it did not.
    LostConfirmation {
        /// Which sending.
        sending: u32,
        /// Whether the broker has it.
        stored: bool,
    },
    /// A checkpoint is saved and lost with the next breath of the database: the saver believes it is there.
    CheckpointLost {
        /// Which saving.
        saving: u32,
    },
}

/// How unsteady time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weather {
    /// So many of a hundred steps let others go first.
    pub yields: u32,
    /// So many of a hundred steps take time.
    pub delays: u32,
    /// How much at most, in milliseconds.
    pub delay_ms: u32,
}

/// Everything that a run is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The seed it came from; also decides the interleaving.
    pub seed: u64,
    /// How messages travel.
    pub transport: Transport,
    /// How many instances each service has, with a broker.
    pub instances: [u8; 4],
    /// How unsteady time is.
    pub weather: Weather,
    /// What clients do.
    pub commands: Vec<Command>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// Whether the operator lets some of what failed pass, where that is allowed, instead of having it retried.
    pub skips: bool,
}

impl Plan {
    /// The plan of `seed`.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let transport = random.pick(&[Transport::Embedded, Transport::Broker]);
        let instances = std::array::from_fn(|_| if random.percent(25) { 2 } else { 1 });
        let weather = match random.below(4) {
            0 => Weather { yields: 0, delays: 0, delay_ms: 0 },
            1 => Weather { yields: 30, delays: 0, delay_ms: 0 },
            2 => Weather { yields: 20, delays: 10, delay_ms: 5 },
            _ => Weather { yields: 20, delays: 15, delay_ms: 60 },
        };
        let commands = commands(&mut random);
        let mut plan = Self { seed, transport, instances, weather, commands, faults: Vec::new(), skips: false };
        let many = 1 + random.below(6);
        plan.faults = (0..many).map(|_| plan.fault(&mut random)).collect();
        plan.spare_what_is_known();
        plan.skips = random.percent(40);
        plan
    }

    /// Every process.
    #[must_use]
    pub fn places(&self) -> Vec<Place> {
        match self.transport {
            Transport::Embedded => vec![Place { service: None, instance: 0 }],
            Transport::Broker => Service::ALL
                .into_iter()
                .zip(self.instances)
                .flat_map(|(service, many)| (0..many).map(move |instance| Place { service: Some(service), instance }))
                .collect(),
        }
    }

    /// A known limit, which `docs/simulation.md` tells of: an append that comes in after its message was given up leaves a
    /// letter that the log of sagas does not show.
    fn spare_what_is_known(&mut self) {
        let refusing: Vec<Service> = self
            .faults
            .iter()
            .filter_map(|fault| match fault {
                Fault::Refused { service, .. } => Some(*service),
                _ => None,
            })
            .collect();
        for fault in &mut self.faults {
            if let Fault::CommitUnknown { service, lost, .. } = fault
                && refusing.contains(service)
                && matches!(lost, Lost::Late(_))
            {
                *lost = Lost::Committed;
            }
        }
    }

    fn fault(&self, random: &mut Random) -> Fault {
        let place = random.pick(&self.places());
        let service = random.pick(&Service::ALL);
        // Where the work is: the embedded process takes as many steps as all the others together.
        let step = 1 + random.below(if place.service.is_none() { 1_500 } else { 400 });
        match random.below(20) {
            0..=5 => Fault::Crash { place, step, down_ms: random.pick(&[1, 50, 400, 3_000]) },
            6 => Fault::Freeze { place, step, ms: random.pick(&[100, 2_500, 7_000]) },
            7 => Fault::StoreDown { service, call: 1 + random.below(200), ms: random.pick(&[20, 300, 2_000]) },
            8 => Fault::StoreSlow { service, call: 1 + random.below(200), ms: random.pick(&[40, 900, 5_000]) },
            9 | 10 => Fault::CommitUnknown {
                service,
                append: 1 + random.below(12),
                lost: random.pick(&[Lost::Committed, Lost::NotCommitted, Lost::Late(30), Lost::Late(700)]),
            },
            // The log of sagas is told by everybody and tells nobody: what it gives up, only a command line shows.
            11 | 12 => Fault::Refused {
                service: random.pick(&[Service::Results, Service::Notifications]),
                append: 1 + random.below(12),
            },
            13 | 14 => Fault::Mail {
                call: 1 + random.below(5),
                how: random.pick(&[
                    MailFault::Transient,
                    MailFault::Permanent,
                    MailFault::TakenUnanswered,
                    MailFault::Silent,
                ]),
            },
            15 => Fault::LostAnswer { answer: 1 + random.below(6) },
            16 => Fault::Duplicate { delivery: 1 + random.below(40) },
            17 => Fault::Cut { receive: 1 + random.below(60) },
            18 => match random.below(2) {
                0 => Fault::LostAcknowledgement { acknowledgement: 1 + random.below(40) },
                _ => Fault::CheckpointLost { saving: 1 + random.below(60) },
            },
            _ => match self.transport {
                Transport::Embedded => Fault::LostAcknowledgement { acknowledgement: 1 + random.below(40) },
                Transport::Broker => {
                    Fault::LostConfirmation { sending: 1 + random.below(30), stored: random.percent(50) }
                }
            },
        }
    }
}

fn commands(random: &mut Random) -> Vec<Command> {
    let many = 2 + random.below(4);
    let mut commands: Vec<Command> = Vec::new();
    for number in 0..usize::try_from(many).unwrap_or_default() {
        let filed: Vec<usize> =
            commands.iter().filter(|c| matches!(c.act, Act::File { .. })).map(|command| command.number).collect();
        let act = match random.below(10) {
            _ if filed.is_empty() => Act::File { as_final: random.percent(70) },
            0..=2 => Act::File { as_final: random.percent(70) },
            3..=6 => Act::Change {
                of: random.pick(&filed),
                change: random.pick(&[
                    Change::Release,
                    Change::Amend,
                    Change::Amend,
                    Change::Correct,
                    Change::EnterInError,
                ]),
                if_match: random.percent(50),
            },
            7 => Act::Read { of: random.pick(&filed) },
            _ => Act::Register { name: u8::try_from(random.below(2)).unwrap_or_default() },
        };
        // Often at the same moment, so that they get into each other's way.
        commands.push(Command { number, at_ms: random.pick(&[0, 0, 1, 40, 300, 1_500]), act });
    }
    commands
}
