-- $1 keys of account and address, $2 now, $3 free failures, $4 the longest wait in seconds, $5 when failures are forgotten
-- In the order of the keys, so that two who fail at once do not wait for each other.
insert into login_backoff as known (key, failures, last_failure, blocked_until)
select key, 1, $2, $2 from unnest($1::bytea[]) as failed (key) order by key
on conflict on constraint login_backoff_pk do update
set failures = case when known.last_failure < $5 then 1 else known.failures + 1 end,
  last_failure = $2,
  blocked_until = case
    when known.last_failure < $5 or known.failures + 1 < $3 then $2
    else $2 + make_interval(secs => least($4::double precision, power(2, least(known.failures + 1 - $3, 30))))
  end
