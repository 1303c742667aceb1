-- The keys of subjects, wrapped under master keys that this database never sees.

create table master_key (
  master_id   uuid        not null constraint master_key_pk primary key,
  purpose     text        not null
    constraint master_key_purpose_known check (purpose in ('account', 'contact', 'clinical')),
  -- A constant sealed under the master key: recognises the key, tells nothing about it.
  check_value bytea       not null,
  -- current: wraps new keys. retiring: replaced, still wraps some. retired: wraps none.
  state       text        not null default 'current'
    constraint master_key_state_known check (state in ('current', 'retiring', 'retired')),
  created_at  timestamptz not null default now(),
  retired_at  timestamptz
);

create unique index master_key_one_current on master_key (purpose) where state = 'current';

create table data_key (
  key_id       uuid        not null constraint data_key_pk primary key,
  subject      uuid        not null,
  purpose      text        not null
    constraint data_key_purpose_known check (purpose in ('account', 'contact', 'clinical')),
  -- No foreign key: the one statement that inserts joins master_key, and a check per row would be on the hot path.
  master_id    uuid,
  -- nonce (12) | wrapped key (32) | tag (16), AES-256-GCM.
  wrapped      bytea,
  created_at   timestamptz not null default now(),
  destroyed_at timestamptz,
  constraint data_key_subject_purpose unique (subject, purpose),
  constraint data_key_wrapped_until_destroyed check (
    (destroyed_at is null and wrapped is not null and master_id is not null)
    or (destroyed_at is not null and wrapped is null and master_id is null))
);

-- What was erased stays erased, whoever writes.
create function data_key_stays_destroyed() returns trigger language plpgsql as $$
begin
  raise exception 'a destroyed key stays destroyed'
    using errcode = 'restrict_violation', constraint = 'data_key_stays_destroyed';
end $$;

create trigger data_key_stays_destroyed before update or delete on data_key
  for each row when (old.destroyed_at is not null) execute function data_key_stays_destroyed();
