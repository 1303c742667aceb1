-- Where projections stand, and the second set of tables that a rebuild or a verification folds into.

create table projection_checkpoint (
  name text not null,
  version integer not null,
  epoch smallint not null default 0,
  tx xid8 not null default '0',
  position bigint not null default 0,
  -- Raised whenever other tables take the place of the live ones: who read before writes nothing after.
  generation bigint not null default 1,
  -- 'building' until it has caught up for the first time.
  state text not null default 'building',
  moved_at timestamptz not null default now(),
  constraint projection_checkpoint_pk primary key (name, version),
  constraint projection_checkpoint_state check (state in ('building', 'live'))
);

create schema rebuild;
create schema verify;

-- Only tables named by a version belong to projections; the tables of the store itself are out of reach here.
create function projection_table_check(target_schema text, tables text[]) returns void
language plpgsql set search_path = pg_catalog as $$
declare
  name text;
begin
  if target_schema not in ('rebuild', 'verify') then
    raise exception 'not a schema for projections: %', target_schema using errcode = 'invalid_parameter_value';
  end if;
  foreach name in array tables loop
    if name !~ '_v[0-9]+$' or to_regclass(format('public.%I', name)) is null then
      raise exception 'not a table of a projection: %', name using errcode = 'undefined_table';
    end if;
  end loop;
end
$$;

create function projection_drop(target_schema text, tables text[]) returns void
language plpgsql security definer set search_path = pg_catalog as $$
declare
  name text;
begin
  perform public.projection_table_check(target_schema, tables);
  foreach name in array tables loop
    execute format('drop table if exists %I.%I', target_schema, name);
  end loop;
end
$$;

-- Empty tables like the live ones, with the same names of constraints and indexes, so that a statement that names one
-- works on both.
create function projection_prepare(target_schema text, tables text[]) returns void
language plpgsql security definer set search_path = pg_catalog as $$
declare
  name text;
  part record;
begin
  perform public.projection_drop(target_schema, tables);
  foreach name in array tables loop
    execute format('create table %I.%I (like public.%I including all excluding indexes excluding constraints)',
      target_schema, name, name);
    for part in
      select con.conname, con.contype, pg_get_constraintdef(con.oid) as definition
      from pg_constraint con
      where con.conrelid = to_regclass(format('public.%I', name)) and con.contype <> 'n'
      order by con.oid
    loop
      if part.contype = 'f' then
        raise exception 'a table of a projection has no foreign keys: %', name using errcode = 'feature_not_supported';
      end if;
      execute format('alter table %I.%I add constraint %I %s', target_schema, name, part.conname, part.definition);
    end loop;
    for part in
      select pg_get_indexdef(i.indexrelid) as definition
      from pg_index i
      where i.indrelid = to_regclass(format('public.%I', name))
        and not exists (select from pg_constraint con where con.conindid = i.indexrelid and con.conrelid = i.indrelid)
      order by i.indexrelid
    loop
      execute overlay(part.definition placing format(' ON %I.%I ', target_schema, name)
        from position(format(' ON public.%I ', name) in part.definition)
        for length(format(' ON public.%I ', name)));
    end loop;
  end loop;
end
$$;

-- The rebuilt tables take the live ones' place, in the caller's transaction.
create function projection_swap(tables text[]) returns void
language plpgsql security definer set search_path = pg_catalog as $$
declare
  name text;
begin
  perform public.projection_table_check('rebuild', tables);
  foreach name in array tables loop
    execute format('drop table public.%I', name);
    execute format('alter table rebuild.%I set schema public', name);
  end loop;
end
$$;

-- A table's rows as key (the primary key as JSON, or a digest of the row where there is none) and SHA-256 of the row,
-- in byte order of the keys.
create function projection_rows(target_schema text, table_name text) returns table (key text, digest bytea)
language plpgsql stable set search_path = pg_catalog as $$
declare
  columns text;
begin
  if target_schema <> 'public' then
    perform public.projection_table_check(target_schema, array[table_name]);
  end if;
  select string_agg(format('r.%I', a.attname), ', ' order by a.attnum)
  into columns
  from pg_index i
  join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
  where i.indrelid = to_regclass(format('%I.%I', target_schema, table_name)) and i.indisprimary;
  return query execute format(
    'select k.key, sha256(convert_to(r::text, ''UTF8'')) from %I.%I r cross join lateral (select %s as key) k order by k.key collate "C", 2',
    target_schema, table_name,
    coalesce(format('json_build_array(%s)::text', columns), 'encode(sha256(convert_to(r::text, ''UTF8'')), ''hex'')'));
end
$$;
