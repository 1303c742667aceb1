-- What a service may do, as the role named by the setting historia.service_role; nothing to do where it is not set and
-- the service runs as the owner (the trigger on event stands there too).
do $$
declare
  role text := nullif(current_setting('historia.service_role', true), '');
begin
  revoke execute on function projection_drop, projection_prepare, projection_swap from public;
  if role is null then
    return;
  end if;
  execute format('grant usage on schema public, rebuild, verify to %I', role);
  execute format('grant select, insert on event to %I', role);
  execute format('grant select on epoch to %I', role);
  execute format('grant select, insert, update on stream to %I', role);
  execute format('grant select, insert on command_done to %I', role);
  execute format('grant select, insert, delete on claim to %I', role);
  execute format('grant usage, select on sequence event_position, running_number to %I', role);
  execute format('grant select, insert, update, delete on checkpoint, projection_checkpoint, delivery_attempt,
    dead_letter, parked_stream, parked_message to %I', role);
  execute format('grant execute on function projection_drop, projection_prepare, projection_swap to %I', role);
  -- What the owner makes from here on: the services' own tables, and those of rebuilds.
  execute format('alter default privileges in schema public, rebuild, verify
    grant select, insert, update, delete on tables to %I', role);
  execute format('alter default privileges in schema public grant usage, select on sequences to %I', role);
end
$$;
