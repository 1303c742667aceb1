-- $1 user, $2 sessions opened until then, $3 now, $4 this session only (null: all), $5 not this one (null: no exception)
with revoked as (
  update session
  set revoked_at = $3
  where user_id = $1
    and revoked_at is null
    and opened_at <= $2
    and ($4::uuid is null or id = $4)
    and ($5::uuid is null or id <> $5)
  returning id
)
insert into revocation (session_id, revoked_at)
select id, $3 from revoked
on conflict on constraint revocation_pk do nothing
