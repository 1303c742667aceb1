-- $1 user, $2 version, $3 status
update user_list_v1 set version = $2, status = $3 where id = $1
