-- $1 purpose, $2 current master id, $3 after this key id, $4 how many. Locked in the order of the ids: two rotations
-- take turns.
select key_id, subject, purpose, master_id, wrapped from data_key
where purpose = $1 and master_id <> $2 and key_id > $3
order by key_id limit $4
for update
