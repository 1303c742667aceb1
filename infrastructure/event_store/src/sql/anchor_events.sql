-- Place and hash, packed, of every event up to $1 epoch, $2 tx, $3 position, in the global order.
select int2send(epoch) || xid8send(tx) || int8send(position) || hash
from event
where (epoch, tx, position) <= ($1::int2, $2::bigint::text::xid8, $3::bigint)
order by epoch, tx, position
