-- Ends the parking of stream $2 for consumer $1 when nothing is left of it; the caller holds the stream's lock.
delete from parked_stream
where consumer = $1 and stream_id = $2
  and not exists (select from dead_letter l where l.consumer = $1 and l.stream_id = $2)
  and not exists (select from parked_message p where p.consumer = $1 and p.stream_id = $2)
