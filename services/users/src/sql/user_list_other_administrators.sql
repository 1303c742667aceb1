-- $1 the one who is about to go, $2 the administrators' role
select id from user_list_v1 where role = $2 and status = 'active' and id <> $1 order by id limit 20
