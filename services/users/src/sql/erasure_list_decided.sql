-- $1 erasure, $2 version, $3 state, $4 decided by, $5 at, $6 reason or null
update erasure_list_v1
set version = $2, state = $3, decided_by = $4, decided_at = $5, decision_reason = $6
where id = $1
