-- $1 key ids, $2 wrapped keys, $3 master id.
update data_key set wrapped = changed.wrapped, master_id = $3
from unnest($1::uuid[], $2::bytea[]) as changed (key_id, wrapped)
where data_key.key_id = changed.key_id and data_key.destroyed_at is null
