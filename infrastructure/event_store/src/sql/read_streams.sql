-- For each question the events of stream $1[n] after version $2[n], at most $3[n]; n comes last.
select e.epoch, e.tx::text::bigint, e.position, e.stream_id, e.version, e.type_id, e.schema_version, e.at, e.meta,
  e.payload, e.hash, asked.n
from unnest($1::uuid[], $2::int[], $3::bigint[]) with ordinality as asked(stream_id, after, most, n)
cross join lateral (
  select * from event
  where event.stream_id = asked.stream_id and event.version > asked.after
  order by event.version
  limit asked.most
) e
