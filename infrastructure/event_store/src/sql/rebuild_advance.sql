-- The rebuild of projection $1 of version $2 has folded $6 events up to $3 epoch, $4 tx, $5 position in $7 milliseconds,
-- and is finished if $8.
update public.projection_rebuild
set epoch = $3, tx = $4::bigint::text::xid8, position = $5, events = $6, worked_ms = $7, moved_at = now(),
  finished_at = case when $8 then now() end
where name = $1 and version = $2
