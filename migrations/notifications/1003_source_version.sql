-- Who wrote to what notifications are about asks whether the list has heard of it. Unknown in rows of requests that were
-- stored before anybody kept it.
alter table notification_v1 add column source_version bigint;
