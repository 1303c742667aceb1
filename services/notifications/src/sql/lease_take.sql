-- The commit need not reach the disk: a lease lost in a crash is a lease whose holder crashed. The set_config must run
-- before the row is written, so it is the row's source.
with quick as (select set_config('synchronous_commit', 'off', true) as done)
insert into delivery_lease (notification, holder, leased_until)
select $1, $2, clock_timestamp() + make_interval(secs => $3) from quick
on conflict (notification) do update
set holder = excluded.holder, leased_until = excluded.leased_until
where delivery_lease.leased_until < clock_timestamp() or delivery_lease.holder = excluded.holder
