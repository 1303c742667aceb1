-- Reader $1 stands at $2 epoch, $3 tx, $4 position.
insert into checkpoint (name, epoch, tx, position)
values ($1, $2, $3::bigint::text::xid8, $4)
on conflict on constraint checkpoint_pk
do update set epoch = excluded.epoch, tx = excluded.tx, position = excluded.position, saved_at = now()
