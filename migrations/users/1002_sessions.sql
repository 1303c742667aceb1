-- Short-lived secrets, not history: sessions, their refresh tokens, revocations and the back-off of log-ins.

-- One log-in and all that is refreshed from it: a family of refresh tokens.
create table session (
  id         uuid        not null constraint session_pk primary key,
  user_id    uuid        not null,
  opened_at  timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz
);

create index session_open on session (user_id) where revoked_at is null;
create index session_expiry on session (expires_at);

-- Only the SHA-256 of a token is kept: 256 random bits need no slow hash. A token is used once; a used one that comes
-- again is a theft, so used ones are kept as long as their session.
create table refresh_token (
  digest     bytea       not null constraint refresh_token_pk primary key
    constraint refresh_token_digest_sha256 check (octet_length(digest) = 32),
  session_id uuid        not null constraint refresh_token_session references session (id) on delete cascade,
  issued_at  timestamptz not null,
  idle_until timestamptz not null,
  used_at    timestamptz
);

create index refresh_token_of_session on refresh_token (session_id);

-- Sessions whose access tokens must not be taken any more, until those have expired by themselves. Apart from
-- `session`, because the gateway asks for it every second. `recorded_at` is the database's own time: it orders what
-- several processes write.
create table revocation (
  session_id  uuid        not null constraint revocation_pk primary key,
  revoked_at  timestamptz not null,
  recorded_at timestamptz not null default clock_timestamp()
);

create index revocation_recorded on revocation (recorded_at);

-- Failed log-ins in a row, per account and per address; the key is an HMAC of either.
create table login_backoff (
  key           bytea       not null constraint login_backoff_pk primary key
    constraint login_backoff_key_hmac check (octet_length(key) = 32),
  failures      integer     not null,
  last_failure  timestamptz not null,
  blocked_until timestamptz not null
);

create index login_backoff_last_failure on login_backoff (last_failure);
