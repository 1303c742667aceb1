-- $1 keys of account and address
delete from login_backoff where key = any($1)
