-- How many events of each type were recorded on each day (UTC), from $1 on, before $2 (null: no limit).
select type_id, (at at time zone 'UTC')::date as day, count(*)
from event
where ($1::timestamptz is null or at >= $1) and ($2::timestamptz is null or at < $2)
group by type_id, day
order by day, type_id
