with quick as (select set_config('synchronous_commit', 'off', true) as done)
delete from delivery_lease using quick where notification = $1 and holder = $2
