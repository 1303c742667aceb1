-- How many sessions others than the owner have in this database: processes that may hold keys.
select count(*) from pg_stat_activity where datname = current_database() and usename is distinct from current_user
  and backend_type = 'client backend'
