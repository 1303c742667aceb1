-- For each question the events of stream $1[n] after version $2[n], at most $3[n], packed; n comes first.
select asked.n, (
  select string_agg(
    int2send(epoch) || xid8send(tx) || int8send(position) || uuid_send(stream_id) || int4send(version)
    || int2send(type_id) || int2send(schema_version) || timestamptz_send(at) || hash
    || int4send(octet_length(meta)) || meta || int4send(octet_length(payload)) || payload,
    ''
  )
  from (
    select * from event
    where event.stream_id = asked.stream_id and event.version > asked.after
    order by event.version
    limit asked.most
  ) page
)
from unnest($1::uuid[], $2::int[], $3::bigint[]) with ordinality as asked(stream_id, after, most, n)
