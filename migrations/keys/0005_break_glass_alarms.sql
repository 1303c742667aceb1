-- For which records the running services have raised an alarm: once for each.
create table break_glass_alarm (
  id        uuid        not null constraint break_glass_alarm_pk primary key,
  raised_at timestamptz not null default clock_timestamp()
);

-- The service's role looks and tells; it records nothing itself.
do $$
declare
  service_role text := nullif(current_setting('historia.service_role', true), '');
begin
  if service_role is not null then
    execute format('grant select on break_glass to %I', service_role);
    execute format('grant select, insert on break_glass_alarm to %I', service_role);
  end if;
end $$;
