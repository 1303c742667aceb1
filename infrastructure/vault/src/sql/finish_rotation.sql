-- $1 purpose: a master key that wraps nothing any more is retired.
update master_key set state = 'retired', retired_at = now()
where purpose = $1 and state = 'retiring'
  and not exists (select from data_key where data_key.master_id = master_key.master_id)
