-- $1 after this user, $2 role or null, $3 status or null, $4 how many
select id, role, status, account_sealed, account_event, account_version, profile_sealed, profile_event, profile_version,
  contact_sealed, contact_event, contact_version, contact_type, created_at
from user_list_v1
where ($1::uuid is null or id > $1) and ($2::smallint is null or role = $2) and ($3::text is null or status = $3)
order by id
limit $4
