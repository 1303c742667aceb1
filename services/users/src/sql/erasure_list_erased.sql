-- $1 erasure, $2 version, $3 at
update erasure_list_v1 set version = $2, state = 'erased', erased_at = $3 where id = $1
