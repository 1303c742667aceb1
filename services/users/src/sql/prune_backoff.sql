-- $1 when a failure is forgotten
delete from login_backoff where last_failure < $1
