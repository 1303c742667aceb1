-- Where projection $1 of version $2 stands, under which generation, whether it ever caught up, and whether it is paused.
select epoch, tx::text::bigint, position, generation, state, paused_at is not null
from projection_checkpoint
where name = $1 and version = $2
