-- $1 after this key or null, $2 subject or null, $3 purpose or null, $4 how many: what is known of keys, never the keys.
-- Ids are of version 7, so their order is that of the keys' making.
select key_id, subject, purpose, master_id,
  (extract(epoch from created_at) * 1000000)::bigint as created_at,
  (extract(epoch from destroyed_at) * 1000000)::bigint as destroyed_at
from data_key
where ($1::uuid is null or key_id > $1) and ($2::uuid is null or subject = $2) and ($3::text is null or purpose = $3)
order by key_id
limit $4
