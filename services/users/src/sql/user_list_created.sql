-- $1 user, $2 role, $3-$5 sealed account and its origin, $6-$9 sealed contact and its origin, $10 created at
insert into user_list_v1 (
  id, role, status, account_sealed, account_event, account_version,
  contact_sealed, contact_event, contact_version, contact_type, created_at, version)
values ($1, $2, 'active', $3, $4, $5, $6, $7, $8, $9, $10, $5)
