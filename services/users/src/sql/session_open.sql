-- $1 session, $2 user, $3 now, $4 the session's end, $5 digest of its first refresh token, $6 until when that may idle
with opened as (
  insert into session (id, user_id, opened_at, expires_at) values ($1, $2, $3, $4) returning id
)
insert into refresh_token (digest, session_id, issued_at, idle_until) select $5, id, $3, $6 from opened
