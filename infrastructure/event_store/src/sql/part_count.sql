-- How many events come after a place ($1 epoch, $2 tx, $3 position), up to and with another ($4, $5, $6).
select count(*)
from event
where (epoch, tx, position) > ($1::int2, $2::bigint::text::xid8, $3::bigint)
  and (epoch, tx, position) <= ($4::int2, $5::bigint::text::xid8, $6::bigint)
