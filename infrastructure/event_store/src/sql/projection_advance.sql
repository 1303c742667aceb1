-- Moves projection $1 of version $2 to $7 epoch, $8 tx, $9 position and locks it until the transaction ends, if it still
-- is of generation $3, stands at $4 epoch, $5 tx, $6 position and is not paused. The commit need not reach the disk: what
-- is lost is folded again.
with quick as (select set_config('synchronous_commit', 'off', true) as done)
update projection_checkpoint
set epoch = $7, tx = $8::bigint::text::xid8, position = $9, moved_at = now()
from quick
where name = $1 and version = $2 and generation = $3
  and epoch = $4 and tx = $5::bigint::text::xid8 and position = $6 and paused_at is null
