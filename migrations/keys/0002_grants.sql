-- The service's role reads, adds and destroys keys; it deletes no row.
do $$
declare
  service_role text := nullif(current_setting('historia.service_role', true), '');
begin
  if service_role is not null then
    execute format('grant select, insert, update on data_key, master_key to %I', service_role);
  end if;
end $$;
