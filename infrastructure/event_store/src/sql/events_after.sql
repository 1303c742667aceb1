-- How many events come after $1 epoch, $2 tx, $3 position, and when the first of them happened.
select
  (select count(*) from event where (epoch, tx, position) > ($1::int2, $2::bigint::text::xid8, $3::bigint)),
  (select at from event where (epoch, tx, position) > ($1::int2, $2::bigint::text::xid8, $3::bigint)
    order by event.epoch, event.tx, event.position limit 1)
