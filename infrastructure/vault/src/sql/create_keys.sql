-- $1..$5 one row per wanted key: key id, subject, purpose, master id, wrapped key. Answers with those that were made.
-- In the order of the subjects, so that two processes wait for each other in one direction only. The share lock holds
-- off a rotation: no key is ever wrapped under a master key that was retired meanwhile.
with current_master as materialized (
  select master_id from master_key where master_id = any($4) and state = 'current' for share
)
insert into data_key (key_id, subject, purpose, master_id, wrapped)
select wanted.key_id, wanted.subject, wanted.purpose, wanted.master_id, wanted.wrapped
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::bytea[])
  as wanted (key_id, subject, purpose, master_id, wrapped)
join current_master using (master_id)
order by wanted.subject, wanted.purpose
on conflict on constraint data_key_subject_purpose do nothing
returning key_id
