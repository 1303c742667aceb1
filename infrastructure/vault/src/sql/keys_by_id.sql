-- $1 key ids.
select key_id, subject, purpose, master_id, wrapped from data_key where key_id = any($1)
