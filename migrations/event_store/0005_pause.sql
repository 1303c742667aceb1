-- A projection that an operator paused stands still, on every instance and after every start, until it is resumed.
alter table projection_checkpoint
  add column paused_at timestamptz,
  add column paused_by uuid,
  add column pause_reason text,
  add constraint projection_checkpoint_pause
    check ((paused_at is null) = (paused_by is null) and (paused_at is null) = (pause_reason is null));

-- Operators page through the letters, the oldest first.
create index dead_letter_order on dead_letter (failed_at, id);
