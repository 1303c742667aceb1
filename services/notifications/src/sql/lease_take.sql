-- Holder $2 wants the leases of the notifications $1, in the order of their ids, for $3 seconds; answers with those that
-- are its own now. The commit need not reach the disk: a lease lost in a crash is a lease whose holder crashed. The
-- set_config must run before a row is written, so it is a source of the rows.
with quick as (select set_config('synchronous_commit', 'off', true) as done)
insert into delivery_lease (notification, holder, leased_until)
select wanted.id, $2, clock_timestamp() + make_interval(secs => $3)
from quick, unnest($1::uuid[]) with ordinality as wanted(id, n)
order by wanted.n
on conflict (notification) do update
set holder = excluded.holder, leased_until = excluded.leased_until
where delivery_lease.leased_until < clock_timestamp() or delivery_lease.holder = excluded.holder
returning notification
