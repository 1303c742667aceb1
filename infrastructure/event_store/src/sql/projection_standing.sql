-- Where projection $1 of version $2 stands, and who paused it, when and why.
select epoch, tx::text::bigint, position, generation, paused_at, paused_by, pause_reason
from projection_checkpoint
where name = $1 and version = $2
