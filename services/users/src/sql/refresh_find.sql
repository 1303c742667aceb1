-- $1 digest of a refresh token
select token.session_id, session.user_id, token.used_at is not null as used
from refresh_token token
join session on session.id = token.session_id
where token.digest = $1
