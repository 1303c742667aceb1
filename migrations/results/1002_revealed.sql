-- Who was shown a result's sealed events or state, beside who read it.
alter table access_log_v1 drop constraint access_log_v1_access;
alter table access_log_v1
    add constraint access_log_v1_access check (access in ('result', 'history', 'list', 'revealed'));
