-- $1 user, $2 version, $3 sealed contact or null, $4-$6 its origin or null
update user_list_v1
set version = $2, contact_sealed = $3, contact_event = $4, contact_version = $5, contact_type = $6
where id = $1
