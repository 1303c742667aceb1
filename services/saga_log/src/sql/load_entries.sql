select id, expects::text as expects, answers::text as answers, event_type is not null as recorded
from saga_event_v1
where id = any($1)
