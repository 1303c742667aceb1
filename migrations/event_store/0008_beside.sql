-- A second scratch schema, for a fold that another fold is compared with: a candidate's rows beside those of the rules that
-- serve, each folded over the same part of the log. Neither touches what a broken-off rebuild left.
create schema beside;

create or replace function projection_table_check(target_schema text, tables text[]) returns void
language plpgsql set search_path = pg_catalog as $$
declare
  name text;
begin
  if target_schema not in ('rebuild', 'verify', 'beside') then
    raise exception 'not a schema for projections: %', target_schema using errcode = 'invalid_parameter_value';
  end if;
  foreach name in array tables loop
    if name !~ '_v[0-9]+$' or to_regclass(format('public.%I', name)) is null then
      raise exception 'not a table of a projection: %', name using errcode = 'undefined_table';
    end if;
  end loop;
end
$$;

do $$
declare
  role text := nullif(current_setting('historia.service_role', true), '');
begin
  if role is not null then
    execute format('grant usage on schema beside to %I', role);
    execute format('alter default privileges in schema beside
      grant select, insert, update, delete on tables to %I', role);
  end if;
end
$$;
