-- A rebuild of projection $1 of version $2, folded by $3, begins before the first event.
insert into projection_rebuild as rebuild (name, version, definition, log_epoch)
select $1, $2, $3, max(number) from epoch
on conflict on constraint projection_rebuild_pk do update
set definition = excluded.definition, log_epoch = excluded.log_epoch, epoch = 0, tx = '0', position = 0, events = 0,
  worked_ms = 0, begun_at = now(), moved_at = now(), finished_at = null
