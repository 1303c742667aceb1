-- $1 consumer, then the message.
insert into parked_message (consumer, event_id, event_type, source, stream_id, version, topic, occurred_at,
  correlation_id, causation_id, actor_id, contract_version, expects, answer_consumer, answer_attempt, traceparent,
  payload)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
on conflict on constraint parked_message_pk do nothing
