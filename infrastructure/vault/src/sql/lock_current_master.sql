-- $1 purpose.
select master_id from master_key where purpose = $1 and state = 'current' for update
