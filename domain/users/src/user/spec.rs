//! The rules, one test each.
use super::*;
use crate::{
    Address, AddressOrigin, Contact, DeactivationReason, EmailAddress, FullName, PasswordHash, RevocationCause,
    Username,
};
use domain_kernel::spec::Spec;
use domain_kernel::{DomainEvent, Role, Sensitive, Timestamp, rehydrate};
use uuid::Uuid;

const NOON: Timestamp = Timestamp(1_800_000_000_000_000);
const HERE: SessionId = SessionId(Uuid::from_u128(7));

fn usuario2() -> Username {
    Username::parse(" Usuario2 ").unwrap()
}

fn ana() -> FullName {
    FullName::parse("Ana Soto").unwrap()
}

fn at(address: &str) -> Address {
    Address { email: EmailAddress::parse(address).unwrap(), origin: AddressOrigin::Given }
}

fn hash(text: &str) -> PasswordHash {
    PasswordHash::new(text.to_owned())
}

fn left() -> DeactivationReason {
    DeactivationReason::parse("dejó el laboratorio").unwrap()
}

fn new_user() -> NewUser {
    NewUser {
        username: usuario2(),
        full_name: None,
        role: Role::Laboratory,
        address: Some(at("ana@lab.cl")),
        password: hash("first"),
        password_is_initial: false,
        created_at: NOON,
    }
}

fn created() -> UserEvent {
    UserEvent::Created {
        username: Sensitive::Known(usuario2()),
        full_name: Sensitive::Known(None),
        role: Role::Laboratory,
        contact: Some(Contact::new(at("ana@lab.cl"), None, Some(&usuario2()))),
        created_at: NOON,
    }
}

fn password_set(text: &str) -> UserEvent {
    UserEvent::PasswordSet { hash: Sensitive::Known(hash(text)), initial: false }
}

fn active() -> Vec<UserEvent> {
    vec![created(), password_set("first")]
}

fn deactivation() -> [UserEvent; 2] {
    [
        UserEvent::Deactivated { reason: Some(Sensitive::Known(left())) },
        UserEvent::SessionsRevoked { cause: RevocationCause::Deactivated, sessions: RevokedSessions::All },
    ]
}

fn deactivated() -> Vec<UserEvent> {
    [active(), deactivation().into()].concat()
}

fn change_role(role: Role) -> UserCommand {
    UserCommand::Change(AccountChange { role: Some(role), ..AccountChange::default() })
}

fn change_name(full_name: Edit<FullName>) -> UserCommand {
    UserCommand::Change(AccountChange { full_name, ..AccountChange::default() })
}

fn change_address(address: Edit<Address>) -> UserCommand {
    UserCommand::Change(AccountChange { address, ..AccountChange::default() })
}

fn account_after(past: &[UserEvent]) -> Account {
    rehydrate::<User>(past).account().unwrap().clone()
}

#[test]
fn a_new_user_is_created_active_with_a_password() {
    Spec::<User>::given([]).when(UserCommand::Create(new_user())).then(active());
    assert!(matches!(rehydrate::<User>(&active()), UserState::Active(_)));
}

#[test]
fn nobody_is_created_twice() {
    Spec::<User>::given(active()).when(UserCommand::Create(new_user())).then_err(UserError::AlreadyExists);
}

#[test]
fn a_deactivated_user_is_not_created_again() {
    Spec::<User>::given(deactivated()).when(UserCommand::Create(new_user())).then_err(UserError::AlreadyExists);
}

#[test]
fn nothing_is_asked_of_nobody() {
    let commands = [
        change_role(Role::Physician),
        UserCommand::ChangePassword { hash: hash("second"), kept: None },
        UserCommand::RevokeSessions { cause: RevocationCause::LogoutAll, sessions: RevokedSessions::All },
        UserCommand::Deactivate(None),
        UserCommand::Reactivate,
    ];
    for command in commands {
        Spec::<User>::given([]).when(command).then_err(UserError::Unknown);
    }
}

#[test]
fn deactivating_takes_the_sessions_too() {
    Spec::<User>::given(active()).when(UserCommand::Deactivate(Some(left()))).then(deactivation());
}

#[test]
fn deactivating_again_does_nothing() {
    Spec::<User>::given(deactivated()).when(UserCommand::Deactivate(Some(left()))).then_nothing();
}

#[test]
fn a_reactivated_user_keeps_the_role() {
    Spec::<User>::given(deactivated())
        .when(UserCommand::Reactivate)
        .then([UserEvent::Reactivated { role: Role::Laboratory }]);
}

#[test]
fn a_reactivated_user_keeps_the_password() {
    let past = [deactivated(), vec![UserEvent::Reactivated { role: Role::Laboratory }]].concat();
    assert_eq!(rehydrate::<User>(&past), rehydrate::<User>(&active()));
}

#[test]
fn an_erased_user_is_not_reactivated() {
    let created = UserEvent::Created {
        username: Sensitive::Erased,
        full_name: Sensitive::Erased,
        role: Role::Laboratory,
        contact: None,
        created_at: NOON,
    };
    Spec::<User>::given([created, UserEvent::Deactivated { reason: None }])
        .when(UserCommand::Reactivate)
        .then_err(UserError::Erased);
}

#[test]
fn reactivating_an_active_user_does_nothing() {
    Spec::<User>::given(active()).when(UserCommand::Reactivate).then_nothing();
}

#[test]
fn a_role_can_be_changed() {
    Spec::<User>::given(active())
        .when(change_role(Role::Physician))
        .then([UserEvent::RoleChanged { role: Role::Physician }]);
}

#[test]
fn the_same_role_again_does_nothing() {
    Spec::<User>::given(active()).when(change_role(Role::Laboratory)).then_nothing();
}

#[test]
fn a_deactivated_user_cannot_be_changed() {
    for command in [
        change_role(Role::Physician),
        change_name(Edit::Set(ana())),
        change_address(Edit::Set(at("otra@lab.cl"))),
        UserCommand::ChangePassword { hash: hash("second"), kept: None },
    ] {
        Spec::<User>::given(deactivated()).when(command).then_err(UserError::Deactivated);
    }
}

#[test]
fn another_address_is_a_changed_contact() {
    Spec::<User>::given(active())
        .when(change_address(Edit::Set(at("otra@lab.cl"))))
        .then([UserEvent::ContactChanged { contact: Some(Contact::new(at("otra@lab.cl"), None, Some(&usuario2()))) }]);
}

#[test]
fn the_same_address_again_does_nothing() {
    Spec::<User>::given(active()).when(change_address(Edit::Set(at("ANA@lab.cl")))).then_nothing();
}

#[test]
fn an_address_can_be_taken_away() {
    Spec::<User>::given(active()).when(change_address(Edit::Clear)).then([UserEvent::ContactChanged { contact: None }]);
}

#[test]
fn another_full_name_also_changes_how_mail_greets() {
    Spec::<User>::given(active()).when(change_name(Edit::Set(ana()))).then([
        UserEvent::ProfileChanged { full_name: Sensitive::Known(Some(ana())) },
        UserEvent::ContactChanged { contact: Some(Contact::new(at("ana@lab.cl"), Some(&ana()), None)) },
    ]);
}

#[test]
fn another_full_name_leaves_an_erased_contact_erased() {
    let erased = UserEvent::ContactChanged {
        contact: Some(Contact { origin: AddressOrigin::Given, details: Sensitive::Erased }),
    };
    Spec::<User>::given([active(), vec![erased]].concat())
        .when(change_name(Edit::Set(ana())))
        .then([UserEvent::ProfileChanged { full_name: Sensitive::Known(Some(ana())) }]);
}

#[test]
fn role_name_and_address_change_together() {
    let change = AccountChange {
        role: Some(Role::Physician),
        full_name: Edit::Set(ana()),
        address: Edit::Set(at("otra@lab.cl")),
    };
    Spec::<User>::given(active()).when(UserCommand::Change(change)).then([
        UserEvent::RoleChanged { role: Role::Physician },
        UserEvent::ProfileChanged { full_name: Sensitive::Known(Some(ana())) },
        UserEvent::ContactChanged { contact: Some(Contact::new(at("otra@lab.cl"), Some(&ana()), None)) },
    ]);
}

#[test]
fn another_password_ends_the_other_sessions() {
    Spec::<User>::given(active()).when(UserCommand::ChangePassword { hash: hash("second"), kept: Some(HERE) }).then([
        password_set("second"),
        UserEvent::PasswordChanged,
        UserEvent::SessionsRevoked { cause: RevocationCause::PasswordChanged, sessions: RevokedSessions::AllBut(HERE) },
    ]);
}

#[test]
fn the_last_password_set_counts() {
    let past = [active(), vec![password_set("second")]].concat();
    assert_eq!(account_after(&past).password, Some(Sensitive::Known(hash("second"))));
}

#[test]
fn an_initial_password_has_to_be_changed_and_then_no_more() {
    let new = NewUser { password_is_initial: true, ..new_user() };
    let initial = UserEvent::PasswordSet { hash: Sensitive::Known(hash("first")), initial: true };
    let past = vec![created(), initial];
    Spec::<User>::given([]).when(UserCommand::Create(new)).then(past.clone());
    assert!(account_after(&past).must_change_password);
    assert!(!account_after(&active()).must_change_password);
    let changed =
        User::decide(&rehydrate::<User>(&past), UserCommand::ChangePassword { hash: hash("second"), kept: Some(HERE) });
    assert!(!account_after(&[past, changed.unwrap()].concat()).must_change_password);
}

#[test]
fn a_reused_refresh_token_takes_its_session_away() {
    let (cause, sessions) = (RevocationCause::RefreshReuse, RevokedSessions::Only(HERE));
    Spec::<User>::given(active())
        .when(UserCommand::RevokeSessions { cause, sessions })
        .then([UserEvent::SessionsRevoked { cause, sessions }]);
}

#[test]
fn a_deactivated_user_has_no_session_left_to_revoke() {
    let (cause, sessions) = (RevocationCause::LogoutAll, RevokedSessions::All);
    Spec::<User>::given(deactivated()).when(UserCommand::RevokeSessions { cause, sessions }).then_nothing();
}

#[test]
fn an_erased_user_still_folds() {
    let past = [
        UserEvent::Created {
            username: Sensitive::Erased,
            full_name: Sensitive::Erased,
            role: Role::Physician,
            contact: Some(Contact { origin: AddressOrigin::Given, details: Sensitive::Erased }),
            created_at: NOON,
        },
        UserEvent::PasswordSet { hash: Sensitive::Erased, initial: false },
    ];
    let account = account_after(&past);
    assert_eq!((account.role, account.username), (Role::Physician, Sensitive::Erased));
}

#[test]
fn whatever_comes_before_a_user_exists_still_folds() {
    assert_eq!(rehydrate::<User>(&deactivation()), UserState::Unknown);
}

#[test]
fn stored_names_never_change() {
    assert_eq!(User::NAME, "user");
    let contact = None;
    let events = [
        created(),
        password_set("first"),
        UserEvent::RoleChanged { role: Role::Nurse },
        UserEvent::ProfileChanged { full_name: Sensitive::Erased },
        UserEvent::ContactChanged { contact },
        UserEvent::Deactivated { reason: None },
        UserEvent::Reactivated { role: Role::Nurse },
        UserEvent::PasswordChanged,
        UserEvent::SessionsRevoked { cause: RevocationCause::LogoutAll, sessions: RevokedSessions::All },
    ];
    assert_eq!(
        events.each_ref().map(DomainEvent::event_type),
        [
            "users.user_created",
            "users.password_set",
            "users.user_role_changed",
            "users.profile_changed",
            "users.user_contact_changed",
            "users.user_deactivated",
            "users.user_reactivated",
            "users.user_password_changed",
            "users.sessions_revoked",
        ]
    );
}
