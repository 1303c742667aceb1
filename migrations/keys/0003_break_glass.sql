-- What was done to the keys past the gateway, by whom and on which machine. Rows are added and never changed.
create table break_glass (
  id      uuid        not null constraint break_glass_pk primary key,
  at      timestamptz not null default clock_timestamp(),
  what    text        not null
    constraint break_glass_what_known check (what in ('rotation_begun', 'rotation_done')),
  purpose text        not null
    constraint break_glass_purpose_known check (purpose in ('account', 'contact', 'clinical')),
  reason  text        not null,
  os_user text        not null,
  host    text        not null
);

create function break_glass_stays() returns trigger language plpgsql as $$
begin
  raise exception 'what was done stays recorded' using errcode = 'restrict_violation', constraint = 'break_glass_stays';
end $$;

create trigger break_glass_stays before update or delete on break_glass
  for each row execute function break_glass_stays();
create trigger break_glass_stays_whole before truncate on break_glass
  for each statement execute function break_glass_stays();
