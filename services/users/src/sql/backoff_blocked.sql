-- $1 keys of account and address, $2 now
select max(blocked_until) from login_backoff where key = any($1) and blocked_until > $2
