-- Whether aggregate $1 was heard of at version $2 or later.
select exists (select from saga_event_v1 where aggregate = $1 and version >= $2 and event_type is not null)
