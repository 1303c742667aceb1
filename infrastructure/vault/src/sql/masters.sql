-- $1 purposes: the master keys that a process must hold, the current one of each purpose and those that still wrap a
-- key.
select master_id, purpose, state, check_value from master_key where purpose = any($1) and state <> 'retired'
