-- $1, $2 subjects and purposes, pairwise.
select data_key.key_id, data_key.subject, data_key.purpose, data_key.master_id, data_key.wrapped
from unnest($1::uuid[], $2::text[]) as wanted (subject, purpose)
join data_key on data_key.subject = wanted.subject and data_key.purpose = wanted.purpose
