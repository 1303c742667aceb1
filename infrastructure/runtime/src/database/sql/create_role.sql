-- The values come as settings of the transaction: DO takes no parameters, and its own text is what a log shows.
-- Whatever fails is raised again without its statement, which would hold the password.
do $$
declare
    role_name text := current_setting('historia.role');
    database_name text := current_setting('historia.role_database');
begin
    -- Two processes that start at the same time would otherwise update one catalogue row twice.
    perform pg_advisory_xact_lock(hashtext('historia.create_role'));
    if not exists (select from pg_roles where rolname = role_name) then
        execute format('create role %I with login nosuperuser nocreatedb nocreaterole', role_name);
    end if;
    begin
        execute format('alter role %I with login password %L', role_name, current_setting('historia.role_password'));
    exception when others then
        raise exception 'role % cannot be given its password (%)', role_name, sqlstate;
    end;
    if database_name <> '' then
        execute format('grant connect on database %I to %I', database_name, role_name);
    end if;
end
$$
