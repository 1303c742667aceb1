-- $1 when every access token of a session revoked before has expired
delete from revocation where revoked_at < $1
