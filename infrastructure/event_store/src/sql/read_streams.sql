-- For each question the events of stream $1[n] after version $2[n], at most $3[n], packed; n comes first.
select asked.n, (
  select string_agg(record_send(page), ''::bytea)
  from (
    select epoch, tx, position, stream_id, version, type_id, schema_version, at, meta, payload, hash
    from event
    where event.stream_id = asked.stream_id and event.version > asked.after
    order by event.version
    limit asked.most
  ) page
)
from unnest($1::uuid[], $2::int[], $3::bigint[]) with ordinality as asked(stream_id, after, most, n)
