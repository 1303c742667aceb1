-- $1 user, $2 version
update user_list_v1 set version = $2 where id = $1
