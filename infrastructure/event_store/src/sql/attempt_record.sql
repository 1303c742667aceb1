-- One more attempt of consumer $1 at event $2.
insert into delivery_attempt (consumer, event_id, attempts)
values ($1, $2, 1)
on conflict on constraint delivery_attempt_pk
do update set attempts = delivery_attempt.attempts + 1, last_at = now()
returning attempts
