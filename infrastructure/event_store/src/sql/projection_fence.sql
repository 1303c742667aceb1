-- Locks projection $1 of version $2 if it still is of generation $3 and stands at $4 epoch, $5 tx, $6 position.
select true
from projection_checkpoint
where name = $1 and version = $2 and generation = $3
  and epoch = $4 and tx = $5::bigint::text::xid8 and position = $6
for update
