-- $1 erasure, $2 version
update erasure_list_v1 set version = $2, hold_reason = null, held_by = null, held_at = null where id = $1
