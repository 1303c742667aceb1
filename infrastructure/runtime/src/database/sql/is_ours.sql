-- The mark is the comment that the first migration leaves; the name alone might be anybody's.
select coalesce(obj_description(to_regclass('public.schema_migration'), 'pg_class') = 'historia', false)
