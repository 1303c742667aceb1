-- $1 digest of the token, $2 digest of its successor, $3 now, $4 until when the successor may idle
-- The update takes the row's lock and looks at `used_at` again: of two who come with one token, one gets a successor.
with used as (
  update refresh_token token
  set used_at = $3
  from session
  where token.digest = $1
    and token.used_at is null
    and token.idle_until > $3
    and session.id = token.session_id
    and session.revoked_at is null
    and session.expires_at > $3
  returning token.session_id
)
insert into refresh_token (digest, session_id, issued_at, idle_until)
select $2, session_id, $3, $4 from used
returning session_id
