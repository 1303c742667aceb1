-- $1 the reader's cursor, in microseconds. What was recorded in the ten seconds before it is told again: a transaction
-- may commit after a later one, and who is told twice revokes once.
select session_id,
  revoked_at,
  (extract(epoch from recorded_at) * 1000000)::bigint as recorded
from revocation
where recorded_at > to_timestamp($1::double precision / 1000000) - interval '10 seconds'
order by recorded_at
