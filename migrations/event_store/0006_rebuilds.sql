-- Where rebuilds of projections stand, so that one that was killed goes on: the row moves in the transactions that fill
-- the tables in schema rebuild. What is finished stays as the measure of the next one.
create table projection_rebuild (
  name text not null,
  version integer not null,
  -- What the rows were folded by, and in which epoch of the log it began. Another one of either begins anew.
  definition bytea not null,
  log_epoch smallint not null,
  -- Up to here the log is in the tables.
  epoch smallint not null default 0,
  tx xid8 not null default '0',
  position bigint not null default 0,
  events bigint not null default 0,
  -- Time spent on it, over all runs.
  worked_ms bigint not null default 0,
  begun_at timestamptz not null default now(),
  moved_at timestamptz not null default now(),
  -- When its tables took the live ones' place.
  finished_at timestamptz,
  constraint projection_rebuild_pk primary key (name, version),
  constraint projection_rebuild_definition_is_sha256 check (octet_length(definition) = 32)
);
