-- $1 erasure, $2 version, $3 subject, $4 purpose, $5 reason, $6 placed by, $7 at
insert into erasure_list_v1 (id, version, subject, purpose, hold_reason, held_by, held_at)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict on constraint erasure_list_v1_pk do update
set version = excluded.version, hold_reason = excluded.hold_reason, held_by = excluded.held_by,
  held_at = excluded.held_at
