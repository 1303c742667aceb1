//! Making an account, as the users service does it, but for the hash of the password.
use crate::client::{Answer, sender};
use crate::plan::{Command, Service};
use crate::platform::Platform;
use domain_kernel::ports::Clock;
use domain_kernel::{Actor, CommandId, CorrelationId, Role, StreamId};
use domain_users::{Address, AddressOrigin, EmailAddress, NewUser, PasswordHash, User, UserCommand, Username};
use infra_event_store::BlindIndex;
use infra_event_store::repository::{ClaimChanges, CommandContext, CommandError, Executed};
use uuid::Uuid;

/// One attempt; `None` when there is no answer to rely on.
pub(crate) async fn register(platform: &Platform, command: Command, name: u8) -> Option<Answer> {
    let doors = platform.door(Service::Users)?;
    platform.world.note(Some(doors.life.place), "is asked by", sender(command.number).0);
    tokio::select! {
        biased;
        // The connection breaks with the process.
        _ = doors.life.end() => None,
        executed = execute(platform, doors.users.as_ref()?, command, name) => match executed? {
            Ok(executed) => Some(Answer::Done { result: executed.stream.0, version: executed.version }),
            Err(CommandError::Store(_) | CommandError::Codec(_) | CommandError::Contended) => None,
            Err(CommandError::ClaimTaken(_)) => Some(Answer::Refused(409)),
            Err(_) => Some(Answer::Refused(422)),
        },
    }
}

type Registered = Result<Executed<User>, CommandError<domain_users::UserError>>;

async fn execute(
    platform: &Platform,
    users: &infra_event_store::repository::Repository<User>,
    command: Command,
    name: u8,
) -> Option<Registered> {
    let world = &platform.world;
    let username = Username::parse(&format!("someone-{name}")).ok()?;
    let claim = service_users::username_claim(&BlindIndex::new([11; 32]), &username);
    let sender = sender(command.number);
    let address = Address { email: EmailAddress::assigned_to(&username), origin: AddressOrigin::Assigned };
    let new = NewUser {
        username,
        full_name: None,
        role: Role::Laboratory,
        address: Some(address),
        password: PasswordHash::new("$argon2id$not-hashed-here".to_owned()),
        password_is_initial: false,
        created_at: world.now(),
    };
    let context = CommandContext {
        // As the edge derives it from the `Idempotency-Key`: the same whenever the request is repeated.
        command_id: CommandId(Uuid::new_v5(&sender.0, b"key")),
        digest: Some([7; 32]),
        correlation_id: CorrelationId(world.unique_id()),
        causation_id: None,
        actor: Some(Actor { user: sender, role: Role::Laboratory }),
    };
    let claims = ClaimChanges { take: vec![claim], release: Vec::new() };
    let stream = StreamId(world.unique_id());
    Some(users.execute_claiming(stream, None, &context, UserCommand::Create(new), |_, _| claims.clone()).await)
}
