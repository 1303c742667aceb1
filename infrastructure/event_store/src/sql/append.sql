-- One group of appends, each whole or not at all; answers with the ordinals of those that took effect.
--
-- $1        epoch of the store that computed the hashes
-- $2..$6    appends, in stream order: stream, expected version and hash, version and hash after
-- $7..$11   commands: append, id, version after, correlation, digest
-- $12..$15  keys that must be free: append, kind, key, whether they are taken for good
-- $16..$19  keys that must be the stream's own: append, kind, key, whether they are given back for good
-- $20..$27  events, stream by stream in version order: append, version, type, schema, at, meta, payload, hash
--
-- Everything below the verdict is inserted plainly: a race with another process is a 23505 that rolls the whole group
-- back. With ON CONFLICT DO NOTHING a lost claim would leave a head without its events. Heads are locked one by one in
-- stream order: an UPDATE … FROM over many of them deadlocks between processes. The look-ups are scalar subqueries, so
-- that each is one index probe whatever the planner thinks of the tables' sizes.
with request as materialized (
  select a::int as a, stream_id, expected, expected_hash, version_after, hash_after
  from unnest($2::uuid[], $3::int[], $4::bytea[], $5::int[], $6::bytea[]) with ordinality
    as r(stream_id, expected, expected_hash, version_after, hash_after, a)
), command as materialized (
  select * from unnest($7::int[], $8::uuid[], $9::int[], $10::uuid[], $11::bytea[])
    as c(a, command_id, version, correlation_id, digest)
), taking as materialized (
  select * from unnest($12::int[], $13::int2[], $14::bytea[], $15::bool[]) as t(a, kind, key, lasting)
), releasing as materialized (
  select * from unnest($16::int[], $17::int2[], $18::bytea[], $19::bool[]) as t(a, kind, key, lasting)
), locked as materialized (
  select r.*, coalesce(head.version, 0) as found, coalesce(head.last_hash, r.expected_hash) as found_hash
  from request r
  left join lateral (select s.version, s.last_hash from stream s where s.stream_id = r.stream_id for update) head on true
), lost as materialized (
  select c.a from command c
  where (select true from command_done d where d.command_id = c.command_id)
  union all
  select t.a from taking t
  where (select true from claim held where held.kind = t.kind and held.key = t.key)
  union all
  select t.a from releasing t
  where (select held.stream_id from claim held where held.kind = t.kind and held.key = t.key)
    is distinct from ($2::uuid[])[t.a]
), verdict as materialized (
  select l.*, l.found = l.expected and l.found_hash = l.expected_hash and l.a not in (select lost.a from lost)
    and $1::int2 = (select max(number) from epoch) as won
  from locked l
), verdicts as materialized (
  select array_agg(won order by a) as won from verdict
), created as (
  insert into stream (stream_id, version, last_hash)
  select stream_id, version_after, hash_after from verdict where won and expected = 0 order by stream_id
), extended as (
  update stream s set version = v.version_after, last_hash = v.hash_after
  from verdict v where v.won and v.expected > 0 and s.stream_id = v.stream_id
), done as (
  insert into command_done (command_id, stream_id, version, correlation_id, digest)
  select c.command_id, ($2::uuid[])[c.a], c.version, c.correlation_id, c.digest
  from command c where (select won from verdicts)[c.a] order by c.command_id
), given_back as (
  delete from claim held using releasing t
  where (select won from verdicts)[t.a] and t.lasting and held.kind = t.kind and held.key = t.key
), taken as (
  insert into claim (kind, key, stream_id)
  select t.kind, t.key, ($2::uuid[])[t.a]
  from taking t where (select won from verdicts)[t.a] and t.lasting order by t.kind, t.key
), recorded as (
  insert into event (stream_id, version, epoch, type_id, schema_version, at, meta, payload, hash)
  select ($2::uuid[])[e.a], e.version, $1::int2, e.type_id, e.schema_version, e.at, e.meta, e.payload, e.hash
  from unnest($20::int[], $21::int[], $22::int2[], $23::int2[], $24::timestamptz[], $25::bytea[], $26::bytea[],
    $27::bytea[]) with ordinality as e(a, version, type_id, schema_version, at, meta, payload, hash, o)
  where (select won from verdicts)[e.a] order by e.o
)
select a from verdict where won order by a
