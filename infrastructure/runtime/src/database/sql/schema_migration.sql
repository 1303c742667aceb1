-- What has been done to this database; the comment marks it as one of ours.
create table if not exists public.schema_migration (
    version bigint constraint schema_migration_pk primary key,
    name text not null,
    checksum bytea not null constraint schema_migration_checksum check (length(checksum) = 32),
    applied_at timestamptz not null default now()
);
comment on table public.schema_migration is 'historia';
-- Services look whether the schema is there, so their role may read (and do no more).
do $$
declare
    service_role text := current_setting('historia.service_role', true);
begin
    if coalesce(service_role, '') <> '' then
        execute format('grant usage on schema public to %I', service_role);
        execute format('grant select on public.schema_migration to %I', service_role);
    end if;
end
$$
