-- $1 purpose.
update master_key set state = 'retiring' where purpose = $1 and state = 'current'
