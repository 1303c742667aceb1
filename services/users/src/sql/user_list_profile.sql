-- $1 user, $2 version, $3 sealed profile, $4 event
update user_list_v1 set version = $2, profile_sealed = $3, profile_event = $4, profile_version = $2 where id = $1
