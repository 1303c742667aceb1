-- $1 key id for a subject that has no key, $2 subject, $3 purpose: a subject without a key gets a destroyed one, so
-- that nothing is sealed for it later. Answers with the destroyed key's id; with nothing when it was destroyed
-- before.
insert into data_key (key_id, subject, purpose, destroyed_at)
values ($1, $2, $3, now())
on conflict on constraint data_key_subject_purpose do update
set wrapped = null, master_id = null, destroyed_at = now()
where data_key.destroyed_at is null
returning key_id
