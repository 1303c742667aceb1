-- How far the rebuild of projection $1 of version $2 got: what it was folded by and in which epoch it began, its place in
-- the log, how much that was, and when.
select definition, log_epoch, epoch, tx::text::bigint as tx, position, events, worked_ms, begun_at, moved_at, finished_at
from projection_rebuild
where name = $1 and version = $2
