-- $1 master id, $2 purpose, $3 check value.
insert into master_key (master_id, purpose, check_value)
values ($1, $2, $3)
on conflict on constraint master_key_pk do update set state = 'current', retired_at = null
