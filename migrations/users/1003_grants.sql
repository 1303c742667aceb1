-- The service's role folds its read model and keeps its short-lived secrets.
do $$
declare
  service_role text := nullif(current_setting('historia.service_role', true), '');
begin
  if service_role is not null then
    execute format(
      'grant select, insert, update, delete on user_list_v1, session, refresh_token, revocation, login_backoff to %I',
      service_role);
  end if;
end $$;
