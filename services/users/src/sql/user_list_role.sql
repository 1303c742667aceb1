-- $1 user, $2 version, $3 role
update user_list_v1 set version = $2, role = $3 where id = $1
