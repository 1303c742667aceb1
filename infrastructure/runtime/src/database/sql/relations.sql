select format('%I.%I', n.nspname, c.relname)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
  and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
  -- what an extension brought (pg_stat_statements in template1) is nobody's data
  and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
order by 1
