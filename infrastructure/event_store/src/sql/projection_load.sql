-- Where projection $1 of version $2 stands, under which generation, and whether it ever caught up.
select epoch, tx::text::bigint, position, generation, state
from projection_checkpoint
where name = $1 and version = $2
