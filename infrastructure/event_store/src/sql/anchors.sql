-- Every anchor that was kept, in the order of the log.
select epoch, tx::text::bigint as tx, position, events, root, taken_at, public_key, signature
from anchor
order by anchor.epoch, anchor.tx, anchor.position
