-- Read model `notification`, version 1: every notification and where it stands; no address. A fold of this service's
-- events and nothing else.
create table notification_v1 (
    id             uuid        not null,
    source_event   uuid        not null,
    template       text        not null,
    state          text        not null,
    attempts       integer     not null,
    about          uuid        not null,
    about_kind     text        not null,
    recipient      uuid,
    started_by     uuid,
    requested_at   timestamptz not null,
    updated_at     timestamptz not null,
    code           text,
    -- When the next mail is due; null when none is.
    due_at         timestamptz,
    constraint notification_v1_pk primary key (id),
    constraint notification_v1_state check (state in ('requested', 'failed', 'sent', 'dead', 'suppressed')),
    constraint notification_v1_about_kind check (about_kind in ('user', 'result'))
);
create index notification_v1_order on notification_v1 (requested_at desc, id desc);
create index notification_v1_about on notification_v1 (about, requested_at, id);
create index notification_v1_recipient on notification_v1 (recipient, requested_at desc, id desc)
    where recipient is not null;
create index notification_v1_started_by on notification_v1 (started_by, requested_at desc, id desc)
    where started_by is not null;
create index notification_v1_due on notification_v1 (due_at, id) where due_at is not null;
