-- Gives the leases $1 of holder $2 back; locked in the order of their ids, as they are taken.
with quick as (select set_config('synchronous_commit', 'off', true) as done), held as materialized (
  select notification from delivery_lease, quick
  where notification = any($1) and holder = $2
  order by notification
  for update of delivery_lease
)
delete from delivery_lease using held where delivery_lease.notification = held.notification
