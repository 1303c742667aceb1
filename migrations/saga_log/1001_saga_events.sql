-- Read model `saga_event`, version 1. Every row is a fold of this service's events; ids and codes only.

-- Every event of every saga, with who answered. While only answers to an event were heard, its row has no type.
create table saga_event_v1 (
    id             uuid        not null,
    correlation_id uuid        not null,
    event_type     text,
    topic          text,
    aggregate      uuid,
    version        bigint,
    causation_id   uuid,
    occurred_at    timestamptz,
    -- The names of the consumers that owe an answer.
    expects        jsonb       not null,
    -- [{"consumer", "attempt", "outcome", "code"}]: per consumer the answer that holds.
    answers        jsonb       not null,
    state          text        not null,
    constraint saga_event_v1_pk primary key (id),
    constraint saga_event_v1_state check (state in ('RECEIVED', 'PROCESSED', 'FAILED'))
);
create index saga_event_v1_order on saga_event_v1 (occurred_at desc, id desc) where event_type is not null;
create index saga_event_v1_open on saga_event_v1 (state, occurred_at desc, id desc)
    where event_type is not null and state <> 'PROCESSED';
create index saga_event_v1_saga on saga_event_v1 (correlation_id, occurred_at, id);

-- Who started a saga, and whose account it is about.
create table saga_v1 (
    correlation_id uuid not null,
    started_by     uuid,
    subject        uuid,
    constraint saga_v1_pk primary key (correlation_id)
);
create index saga_v1_started_by on saga_v1 (started_by) where started_by is not null;
create index saga_v1_subject on saga_v1 (subject) where subject is not null;
