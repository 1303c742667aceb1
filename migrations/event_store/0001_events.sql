-- Events and what guards them. Nothing here is ever updated or deleted but heads, given-back claims and epochs' successors.

-- A logical copy in another cluster begins with new transaction ids: it opens the next epoch, and the old ids keep
-- their order.
create table epoch (
  number smallint constraint epoch_pk primary key,
  opened_at timestamptz not null default now()
);
insert into epoch (number) values (1);

create sequence event_position as bigint;

-- tx and position are given in the statement that inserts, so (epoch, tx, position) keeps every stream's order; a reader
-- takes only what is older than every running transaction, so it never has to look back.
create table event (
  position bigint not null default nextval('event_position'),
  tx xid8 not null default pg_current_xact_id(),
  at timestamptz not null,
  stream_id uuid not null,
  version integer not null,
  epoch smallint not null,
  type_id smallint not null,
  schema_version smallint not null,
  meta bytea not null,
  payload bytea not null,
  hash bytea not null,
  constraint event_pk primary key (epoch, tx, position),
  constraint event_stream_version unique (stream_id, version),
  constraint event_version_from_one check (version >= 1),
  constraint event_hash_is_sha256 check (octet_length(hash) = 32)
);
-- Sealed bytes do not compress.
alter table event alter column payload set storage external;

create function event_is_never_changed() returns trigger language plpgsql as $$
begin
  raise exception 'events are never changed' using errcode = 'restrict_violation', table = 'event';
end
$$;
create trigger event_append_only before update or delete or truncate on event
  for each statement execute function event_is_never_changed();

-- The end of every stream: the row that an append locks. The fill factor leaves room for updates in place.
create table stream (
  stream_id uuid constraint stream_pk primary key,
  version integer not null,
  last_hash bytea not null,
  constraint stream_version_from_one check (version >= 1)
) with (fillfactor = 70);

-- Which command took effect where. It answers repeated requests and is the inbox of consumers; never pruned.
create table command_done (
  command_id uuid constraint command_done_pk primary key,
  stream_id uuid not null,
  version integer not null,
  correlation_id uuid not null,
  -- HMAC of what was asked; null where no client named the command.
  digest bytea
);

-- Unique keys (a username, a running number), as HMACs, and who holds them.
create table claim (
  kind smallint not null,
  key bytea not null,
  stream_id uuid not null,
  constraint claim_pk primary key (kind, key)
);

-- Running numbers that people see; gaps are normal.
create sequence running_number as bigint;

-- Where relays and subscriptions stand.
create table checkpoint (
  name text constraint checkpoint_pk primary key,
  epoch smallint not null,
  tx xid8 not null,
  position bigint not null,
  saved_at timestamptz not null default now()
);
