-- Who wrote to an aggregate asks whether the log has heard of it.
create index saga_event_v1_aggregate on saga_event_v1 (aggregate, version) where event_type is not null;
