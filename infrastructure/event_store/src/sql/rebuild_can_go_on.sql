-- Whether the tables $1 of a rebuild that began in epoch $2 are all there, and the log is still in that epoch.
select bool_and(to_regclass(format('rebuild.%I', name)) is not null) and $2 = (select max(number) from epoch)
from unnest($1::text[]) name
