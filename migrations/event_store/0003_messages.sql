-- What this service's consumers could not handle, and what waits behind it. Messages are kept whole: ids in clear, the
-- payload with its sensitive parts sealed.

-- Recorded before handling from the second delivery on, so a message that kills its consumer is counted too.
create table delivery_attempt (
  consumer text not null,
  event_id uuid not null,
  attempts integer not null,
  last_at timestamptz not null default now(),
  constraint delivery_attempt_pk primary key (consumer, event_id)
);

create table dead_letter (
  id uuid constraint dead_letter_pk primary key,
  consumer text not null,
  attempts integer not null,
  -- A code, never data.
  code text not null,
  failed_at timestamptz not null default now(),
  event_id uuid not null,
  event_type text not null,
  source text not null,
  stream_id uuid not null,
  version integer not null,
  topic text not null,
  occurred_at timestamptz not null,
  correlation_id uuid not null,
  causation_id uuid,
  actor_id uuid,
  contract_version integer not null,
  expects text[] not null,
  answer_consumer text,
  answer_attempt integer,
  traceparent text,
  payload bytea not null,
  constraint dead_letter_message unique (consumer, event_id)
);
create index dead_letter_stream on dead_letter (consumer, stream_id);

-- A stream whose messages wait, for one consumer. Storing behind and unparking lock this row.
create table parked_stream (
  consumer text not null,
  stream_id uuid not null,
  parked_at timestamptz not null default now(),
  constraint parked_stream_pk primary key (consumer, stream_id)
);

create table parked_message (
  consumer text not null,
  event_id uuid not null,
  event_type text not null,
  source text not null,
  stream_id uuid not null,
  version integer not null,
  topic text not null,
  occurred_at timestamptz not null,
  correlation_id uuid not null,
  causation_id uuid,
  actor_id uuid,
  contract_version integer not null,
  expects text[] not null,
  answer_consumer text,
  answer_attempt integer,
  traceparent text,
  payload bytea not null,
  constraint parked_message_pk primary key (consumer, event_id),
  constraint parked_message_stream foreign key (consumer, stream_id) references parked_stream (consumer, stream_id)
);
create index parked_message_order on parked_message (consumer, stream_id, version);
