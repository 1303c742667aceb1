-- $1 master ids, $2 purposes, $3 check values: the first master key of a purpose becomes the current one; a later
-- stranger changes nothing. All in one statement and in one order: of two strangers on an empty store one is first in
-- every purpose.
insert into master_key (master_id, purpose, check_value)
select own.master_id, own.purpose, own.check_value
from unnest($1::uuid[], $2::text[], $3::bytea[]) as own (master_id, purpose, check_value)
order by own.purpose
on conflict do nothing
