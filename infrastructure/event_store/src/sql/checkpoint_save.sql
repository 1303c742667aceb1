-- Reader $1 stands at $2 epoch, $3 tx, $4 position. The commit need not reach the disk: what is lost is read again. The
-- set_config must run before the row is written, so it is the row's source.
with quick as (select set_config('synchronous_commit', 'off', true) as done)
insert into checkpoint (name, epoch, tx, position)
select $1, $2, $3::bigint::text::xid8, $4 from quick
on conflict on constraint checkpoint_pk
do update set epoch = excluded.epoch, tx = excluded.tx, position = excluded.position, saved_at = now()
