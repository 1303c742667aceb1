-- Pauses projection $1 of version $2 for account $3 and reason $4, after the batch that is under way. Who paused it
-- first is kept.
insert into projection_checkpoint (name, version, paused_at, paused_by, pause_reason)
values ($1, $2, now(), $3, $4)
on conflict on constraint projection_checkpoint_pk
do update set paused_at = excluded.paused_at, paused_by = excluded.paused_by, pause_reason = excluded.pause_reason
where projection_checkpoint.paused_at is null
