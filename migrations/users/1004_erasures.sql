-- Read model `erasure_list`, version 1: a row per subject and purpose whose key somebody asked to destroy or to keep.
-- Ids, codes and reasons without names: all of it in clear, since it outlives what is erased.
create table erasure_list_v1 (
  id              uuid        not null constraint erasure_list_v1_pk primary key,
  subject         uuid        not null,
  purpose         text        not null
    constraint erasure_list_v1_purpose_known check (purpose in ('account', 'contact', 'clinical')),
  version         integer     not null,
  -- Null until it is asked for: there is only a hold.
  state           text
    constraint erasure_list_v1_state_known check (state in ('requested', 'declined', 'approved', 'erased')),
  country         text,
  reason          text,
  requested_by    uuid,
  requested_at    timestamptz,
  decided_by      uuid,
  decided_at      timestamptz,
  decision_reason text,
  erased_at       timestamptz,
  -- Null while no hold stands.
  hold_reason     text,
  held_by         uuid,
  held_at         timestamptz
);

create index erasure_list_v1_requested on erasure_list_v1 (requested_at, id) where requested_at is not null;
create index erasure_list_v1_held on erasure_list_v1 (held_at, id) where held_at is not null;

do $$
declare
  service_role text := nullif(current_setting('historia.service_role', true), '');
begin
  if service_role is not null then
    execute format('grant select, insert, update, delete on erasure_list_v1 to %I', service_role);
  end if;
end $$;
