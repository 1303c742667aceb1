-- How many rows each of the tables $1 has, as far as the server knows without counting, and how many bytes with indexes.
select name, greatest(c.reltuples, 0)::bigint, pg_total_relation_size(c.oid)
from unnest($1::text[]) with ordinality as asked(name, n)
join pg_class c on c.oid = to_regclass(format('public.%I', name))
order by n
