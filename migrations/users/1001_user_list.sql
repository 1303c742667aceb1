-- Read model `user_list`, version 1: what an administrator's list shows. What names a person stays sealed as it came,
-- beside the origin (event and version; the stream is the user, the event type is said here) that opens it.
create table user_list_v1 (
  id              uuid        not null constraint user_list_v1_pk primary key,
  role            smallint    not null constraint user_list_v1_role_known check (role between 1 and 9),
  status          text        not null constraint user_list_v1_status_known check (status in ('active', 'deactivated')),
  -- users.user_created: username and first full name
  account_sealed  bytea       not null,
  account_event   uuid        not null,
  account_version integer     not null,
  -- users.profile_changed: the full name since then
  profile_sealed  bytea,
  profile_event   uuid,
  profile_version integer,
  -- users.user_created or users.user_contact_changed, by number: the address
  contact_sealed  bytea,
  contact_event   uuid,
  contact_version integer,
  contact_type    smallint,
  created_at      timestamptz not null,
  version         integer     not null
);

create index user_list_v1_role on user_list_v1 (role, status, id);
