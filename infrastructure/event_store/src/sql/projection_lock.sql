-- As projection_load.sql, and nobody moves it until this transaction ends.
select epoch, tx::text::bigint, position, generation, state, paused_at is not null
from projection_checkpoint
where name = $1 and version = $2
for update
