-- $1 how many; whoever claims a record raises the alarm for it. Another process that claims the same waits here until
-- this one has committed, and claims nothing then.
with claimed as (
  insert into break_glass_alarm (id)
  select id from break_glass record
  where not exists (select from break_glass_alarm alarm where alarm.id = record.id)
  order by at, id
  limit $1
  on conflict on constraint break_glass_alarm_pk do nothing
  returning id
)
select id, (extract(epoch from at) * 1000000)::bigint, what, purpose, about, reason, os_user, host
from claimed join break_glass using (id)
order by at, id
