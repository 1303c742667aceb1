-- $1 id, $2 consumer, $3 attempts, $4 code, then the message.
insert into dead_letter (id, consumer, attempts, code, event_id, event_type, source, stream_id, version, topic,
  occurred_at, correlation_id, causation_id, actor_id, contract_version, expects, answer_consumer, answer_attempt,
  traceparent, payload)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
on conflict on constraint dead_letter_message
do update set attempts = greatest(dead_letter.attempts, excluded.attempts), code = excluded.code, failed_at = now()
