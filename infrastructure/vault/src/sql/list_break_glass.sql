-- $1 how many, the newest first
select id, (extract(epoch from at) * 1000000)::bigint, what, purpose, about, reason, os_user, host
from break_glass
order by at desc, id desc
limit $1
