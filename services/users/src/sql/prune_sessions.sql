-- $1 long enough ago; refresh tokens go with their session
delete from session where expires_at < $1
