-- The current epoch, and whether it holds a transaction id that this cluster has not given out yet: then the data came
-- from another cluster by a logical copy, and new events would sort before old ones.
select current.number,
  coalesce((select max(event.tx) from event where event.epoch = current.number) >= pg_current_xact_id(), false)
from (select max(number) as number from epoch) current
