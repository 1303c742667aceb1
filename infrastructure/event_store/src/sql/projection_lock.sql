-- As projection_load.sql, and nobody moves it until this transaction ends.
select epoch, tx::text::bigint, position, generation, state
from projection_checkpoint
where name = $1 and version = $2
for update
