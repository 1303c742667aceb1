-- Why one append did not take effect: $1 stream, $2 command ids, $3 kinds and $4 keys it wanted to take, $5 kinds and
-- $6 keys it wanted to give back. Answers with the first command that is done; the first wanted key that another stream
-- holds, and the first that its own stream holds; the head; the first key to give back that is not its own; the epoch.
select
  (select c.command_id from unnest($2::uuid[]) with ordinality c(command_id, o)
    where (select true from command_done d where d.command_id = c.command_id) order by c.o limit 1) as done,
  (select t.o::int from unnest($3::int2[], $4::bytea[]) with ordinality t(kind, key, o)
    where (select held.stream_id from claim held where held.kind = t.kind and held.key = t.key) <> $1
    order by t.o limit 1) as taken,
  (select t.o::int from unnest($3::int2[], $4::bytea[]) with ordinality t(kind, key, o)
    where (select held.stream_id from claim held where held.kind = t.kind and held.key = t.key) = $1
    order by t.o limit 1) as taken_already,
  (select s.version from stream s where s.stream_id = $1) as head,
  (select s.last_hash from stream s where s.stream_id = $1) as head_hash,
  (select t.o::int from unnest($5::int2[], $6::bytea[]) with ordinality t(kind, key, o)
    where (select held.stream_id from claim held where held.kind = t.kind and held.key = t.key)
      is distinct from $1 order by t.o limit 1) as not_held,
  (select max(number) from epoch) as epoch
