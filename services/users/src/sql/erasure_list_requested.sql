-- $1 erasure, $2 version, $3 subject, $4 purpose, $5 country, $6 reason, $7 requested by, $8 at: a declined one may be asked
-- for again, one under a hold that is lifted for the first time
insert into erasure_list_v1 (id, version, subject, purpose, state, country, reason, requested_by, requested_at)
values ($1, $2, $3, $4, 'requested', $5, $6, $7, $8)
on conflict on constraint erasure_list_v1_pk do update
set version = excluded.version, state = excluded.state, country = excluded.country, reason = excluded.reason,
  requested_by = excluded.requested_by, requested_at = excluded.requested_at,
  decided_by = null, decided_at = null, decision_reason = null
